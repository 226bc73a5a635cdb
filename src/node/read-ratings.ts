import { stat } from 'node:fs/promises'
import type { Ratings } from '../data/ratings.ts'
import { InputError } from '../errors.ts'
import { PartJoiner } from '../ingest/join-parts.ts'
import { type ReadOptions, type ReadSettings, readSettings } from '../ingest/options.ts'
import { readText } from '../ingest/read-text.ts'
import { checkFormat, type RatingsReport, type ReadResult, ratingsReport } from '../ingest/report.ts'
import type { TextSource } from '../ingest/source.ts'
import { readPackedFile } from './ingest/packed.ts'
import { listParts } from './ingest/parts.ts'
import { checkUnchanged, openSource, type Source, textChunks } from './ingest/source.ts'

export type { ReadFormat, ReadOptions } from '../ingest/options.ts'
export type { RatingsReport } from '../ingest/report.ts'

/**
 * Reads ratings from delimited text (tab, comma, semicolon, `::`, space; plain, gzip or Zstandard), from adjacency lists,
 * Matrix Market, LIBMF or Netflix text, from Parquet, or packed (`writePacked`). What a file is, is decided by its content, or said by `format`. Entries
 * stand in the order of the file, users and items are numbered in order of first appearance (those of a matrix by their
 * row and column), and the same file always gives the same arrays. Data without ratings has 1 for every value.
 *
 * Text: one row a line, UTF-8 with or without a byte order mark or latin-1, line feeds or CRLF, empty lines left out,
 * fields quoted by `"` or not. Ratings are numbers in the range of f32. Timestamps are numbers, kept as they are, or ISO
 * dates, which become seconds since 1970.
 *
 * Several files: a folder, whose parts are its files but for those whose names begin with a dot or an underscore or end in
 * `.crc`; or a glob (`*`, `?`, `[a-z]`) in the last part of the path. They are read in the order of their names, as if
 * they were one file, have to be laid out alike, and cannot be links.
 * @param path the file's name, taken literally where there is such a file
 * @throws InputError with file, line and text where the file is not as expected.
 * @throws OptionError for a value that an option cannot take.
 */
export async function readRatings(path: string, options: ReadOptions = {}): Promise<Ratings> {
  return (await readRatingsReport(path, options)).ratings
}

/** `readRatings` that also tells which rows were left out. */
export async function readRatingsReport(path: string, options: ReadOptions = {}): Promise<RatingsReport> {
  const settings = readSettings(options)
  const parts = await listParts(path)
  const read = parts === undefined ? await readOne(path, settings) : await readParts(path, parts, settings)
  return ratingsReport(path, read, settings)
}

async function readOne(path: string, settings: ReadSettings): Promise<ReadResult> {
  const source = await openSource(path)
  const read = await readSource(source, settings)
  settings.onProgress(source.bytes, source.bytes)
  return read
}

/** Reads files one after another; what one is cannot be told from an empty one. */
async function readParts(path: string, files: readonly string[], settings: ReadSettings): Promise<ReadResult> {
  const sizes = await Promise.all(files.map(async file => (await stat(file)).size))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const joiner = new PartJoiner()
  let before = 0
  for (const [at, file] of files.entries()) {
    if (sizes[at] === 0) continue
    const source = await openSource(file)
    if (source.kind === 'packed') {
      throw new InputError('packed ratings are a set by themselves, no part of one; name the file alone', { file })
    }
    const onProgress = (bytes: number) => settings.onProgress(before + Math.min(bytes, source.bytes), total)
    joiner.add(file, await readSource(source, { ...settings, part: true, onProgress }))
    before += source.bytes
  }
  settings.onProgress(total, total)
  return joiner.finish(path)
}

async function readSource(source: Source, settings: ReadSettings): Promise<ReadResult> {
  checkFormat(source.file, settings, source.kind)
  settings.signal?.throwIfAborted()
  const read = await readKind(source, settings).catch(async (error: unknown) => {
    // What is wrong with half of a file says less than that it is half of one.
    if (error instanceof InputError) await checkUnchanged(source)
    throw error
  })
  await checkUnchanged(source)
  return read
}

async function readKind(source: Source, settings: ReadSettings): Promise<ReadResult> {
  switch (source.kind) {
    case 'parquet':
      // DuckDB takes longer to load than most files take to read, so it is loaded for those that need it.
      return await (await import('./ingest/read-parquet.ts')).readParquet(source, settings)
    case 'packed':
      return await readPackedFile(source.file, settings)
    default:
      return await readText(textSource(source), settings)
  }
}

function textSource(source: Source): TextSource {
  return {
    file: source.file,
    // DuckDB turns the text of a Zstandard file into UTF-8.
    recoded: source.kind === 'zstd',
    chunks: (encoding, onProgress) => textChunks(source, encoding, onProgress),
  }
}
