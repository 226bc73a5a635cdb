import { mergeDuplicates } from '../data/duplicates.ts'
import type { Ratings } from '../data/ratings.ts'
import { InputError } from '../errors.ts'
import type { ReadCounts, ReadSettings } from './options.ts'

/** Ratings and what happened on the way to them. */
export interface RatingsReport {
  ratings: Ratings
  /** Rows left out because they are bad; 0 unless `onBadRow` is `skip`. */
  skipped: number
  /** File, line, text and problem of the first of those. */
  firstSkipped: InputError | undefined
  /** Entries merged into others of the same user and item. */
  merged: number
}

/** @throws InputError where a file is Parquet and the caller says that it is not, or the other way round. */
export function checkFormat(file: string, { format }: ReadSettings, parquet: boolean): void {
  if (parquet && format !== 'auto' && format !== 'parquet') {
    throw new InputError(`the file is Parquet, not ${format}`, { file })
  }
  if (!parquet && format === 'parquet') throw new InputError('the file is not Parquet', { file })
}

/** Merges the entries of one user and item, as `duplicates` says. @throws InputError where it forbids them. */
export function ratingsReport(
  file: string,
  { ratings, skipped, firstSkipped }: { ratings: Ratings } & ReadCounts,
  settings: ReadSettings,
): RatingsReport {
  const unique = mergeInFile(file, ratings, settings)
  return { ratings: unique, skipped, firstSkipped, merged: ratings.length - unique.length }
}

function mergeInFile(file: string, ratings: Ratings, { duplicates }: ReadSettings): Ratings {
  try {
    return mergeDuplicates(ratings, duplicates)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new InputError(error.message, { file }, { cause: error })
  }
}
