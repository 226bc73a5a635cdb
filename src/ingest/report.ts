import { type DuplicatePolicy, mergeDuplicates } from '../data/duplicates.ts'
import type { Ratings } from '../data/ratings.ts'
import { InputError } from '../errors.ts'
import type { ReadCounts, ReadSettings } from './options.ts'
import type { SourceKind } from './source.ts'

/** Ratings and what happened on the way to them. */
export interface RatingsReport {
  ratings: Ratings
  /** Rows left out because they are bad; 0 unless `onBadRow` is `skip`. */
  skipped: number
  /** File, line, text and problem of the first of those. */
  firstSkipped: InputError | undefined
  /** Entries merged into others of the same user and item. */
  merged: number
  /** By which policy that was done, now or when the ratings were packed. */
  duplicates: DuplicatePolicy
}

/** What a reader makes of a file. */
export interface ReadResult extends ReadCounts {
  ratings: Ratings
  /** What stands where, in words: files whose words differ are no parts of one set. */
  layout: string
  /** By which policy duplicates have been merged, where that has been done. */
  duplicates?: DuplicatePolicy
}

/** @throws InputError where a file is Parquet or packed and the caller says that it is not, or the other way round. */
export function checkFormat(file: string, { format }: ReadSettings, kind: SourceKind): void {
  const names = { parquet: 'Parquet', packed: 'packed ratings' }
  if (kind === 'parquet' || kind === 'packed') {
    if (format === 'auto' || format === kind) return
    throw new InputError(`the file is ${names[kind]}, not ${format}`, { file })
  }
  if (format === 'parquet' || format === 'packed') throw new InputError(`the file is not ${names[format]}`, { file })
}

/** Merges the entries of one user and item, as `duplicates` says. @throws InputError where it forbids them. */
export function ratingsReport(file: string, read: ReadResult, settings: ReadSettings): RatingsReport {
  const { ratings, skipped, firstSkipped } = read
  const duplicates = read.duplicates ?? settings.duplicates ?? 'last'
  const unique = read.duplicates === undefined ? mergeInFile(file, ratings, duplicates) : ratings
  return { ratings: unique, skipped, firstSkipped, merged: ratings.length - unique.length, duplicates }
}

function mergeInFile(file: string, ratings: Ratings, duplicates: DuplicatePolicy): Ratings {
  try {
    return mergeDuplicates(ratings, duplicates)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new InputError(error.message, { file }, { cause: error })
  }
}
