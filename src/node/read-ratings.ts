import type { Ratings } from '../data/ratings.ts'
import { type ReadCounts, type ReadOptions, type ReadSettings, readSettings } from '../ingest/options.ts'
import { readText } from '../ingest/read-text.ts'
import { checkFormat, type RatingsReport, ratingsReport } from '../ingest/report.ts'
import { openSource, type Source, textChunks } from './ingest/source.ts'

export type { ReadFormat, ReadOptions } from '../ingest/options.ts'
export type { RatingsReport } from '../ingest/report.ts'

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
  settings.signal?.throwIfAborted()
  const read =
    source.kind === 'parquet' ? await readParquetFile(source, settings) : await readTextFile(source, settings)
  settings.onProgress(source.bytes, source.bytes)
  return ratingsReport(path, read, settings)
}

async function readTextFile(source: Source, settings: ReadSettings): Promise<{ ratings: Ratings } & ReadCounts> {
  // DuckDB turns the text of a Zstandard file into UTF-8.
  const { file, kind } = source
  const text = {
    file,
    recoded: kind === 'zstd',
    chunks: (encoding: 'utf-8' | 'latin-1', onProgress: ReadSettings['onProgress']) =>
      textChunks(source, encoding, onProgress),
  }
  return await readText(text, settings)
}

/** DuckDB takes longer to load than most files take to read, so it is loaded for those that need it. */
async function readParquetFile(source: Source, settings: ReadSettings): Promise<{ ratings: Ratings } & ReadCounts> {
  const { readParquet } = await import('./ingest/read-parquet.ts')
  return await readParquet(source, settings)
}
