import type { Ratings } from '../../data/ratings.ts'
import { InputError } from '../../errors.ts'
import type { ReadCounts, ReadSettings } from './options.ts'
import type { Source } from './source.ts'
export async function readParquet(source: Source, _s: ReadSettings): Promise<{ ratings: Ratings } & ReadCounts> { throw new InputError('todo', {file: source.file}) }
