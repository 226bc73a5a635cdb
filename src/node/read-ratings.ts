import { mergeDuplicates } from '../data/duplicates.ts'
import type { Ratings } from '../data/ratings.ts'
import { InputError } from '../errors.ts'
import { type ReadCounts, type ReadOptions, type ReadSettings, readSettings } from './ingest/options.ts'
import { readText } from './ingest/read-text.ts'
import { openSource, type Source } from './ingest/source.ts'

export type { ReadFormat, ReadOptions } from './ingest/options.ts'

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

/**
 * Reads ratings from delimited text (tab, comma, semicolon, `::`, space; plain, gzip or Zstandard), from adjacency lists,
 * Matrix Market or LIBMF text, or from Parquet. What a file is, is decided by its content, or said by `format`. Entries
 * stand in the order of the file, users and items are numbered in order of first appearance (those of a matrix by their
 * row and column), and the same file always gives the same arrays. Data without ratings has 1 for every value.
 *
 * Text: one row a line, UTF-8 with or without a byte order mark or latin-1, line feeds or CRLF, empty lines left out,
 * fields quoted by `"` or not. Ratings are numbers in the range of f32. Timestamps are numbers, kept as they are, or ISO
 * dates, which become seconds since 1970.
 * @param path the file's name, taken literally
 * @throws InputError with file, line and text where the file is not as expected.
 * @throws OptionError for a value that an option cannot take.
 */
export async function readRatings(path: string, options: ReadOptions = {}): Promise<Ratings> {
  return (await readRatingsReport(path, options)).ratings
}

/** `readRatings` that also tells which rows were left out. */
export async function readRatingsReport(path: string, options: ReadOptions = {}): Promise<RatingsReport> {
  const settings = readSettings(options)
  const source = await openSource(path)
  checkFormat(path, settings, source.kind === 'parquet')
  const { ratings, skipped, firstSkipped }: { ratings: Ratings } & ReadCounts =
    source.kind === 'parquet' ? await readParquetFile(source, settings) : await readText(source, settings)
  settings.onProgress(source.bytes, source.bytes)
  const unique = mergeInFile(path, ratings, settings)
  return { ratings: unique, skipped, firstSkipped, merged: ratings.length - unique.length }
}

/** DuckDB takes longer to load than most files take to read, so it is loaded for those that need it. */
async function readParquetFile(source: Source, settings: ReadSettings): Promise<{ ratings: Ratings } & ReadCounts> {
  const { readParquet } = await import('./ingest/read-parquet.ts')
  return await readParquet(source, settings)
}

function checkFormat(file: string, { format }: ReadSettings, parquet: boolean): void {
  if (parquet && format !== 'auto' && format !== 'parquet') {
    throw new InputError(`the file is Parquet, not ${format}`, { file })
  }
  if (!parquet && format === 'parquet') throw new InputError('the file is not Parquet', { file })
}

function mergeInFile(file: string, ratings: Ratings, { duplicates }: ReadSettings): Ratings {
  try {
    return mergeDuplicates(ratings, duplicates)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new InputError(error.message, { file }, { cause: error })
  }
}
