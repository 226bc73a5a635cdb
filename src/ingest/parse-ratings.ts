import { type ByteBlob, blobBytes, blobChunks } from './blob.ts'
import { type ReadOptions, type ReadSettings, readSettings } from './options.ts'
import { readText } from './read-text.ts'
import { checkFormat, type RatingsReport, type ReadResult, ratingsReport } from './report.ts'
import { MAGIC_BYTES, type SourceKind, sourceKind } from './source.ts'

/**
 * Reads ratings from the bytes of a file, such as the `File` of an input or a drop: the same formats, with the same
 * results, as `readRatings` of `lowrank/node` reads from a path. The bytes are read piece by piece, and never all at
 * once; memory is that of the entries and ids. What gzip, Zstandard, Parquet and packed ratings need is loaded only for
 * them.
 * @param options those of `readRatings`, and `name`, which stands for the file in errors; by default the blob's own
 * @throws InputError with file, line and text where the bytes are not as expected.
 * @throws OptionError for a value that an option cannot take.
 */
export async function parseRatings(
  blob: ByteBlob,
  options: ReadOptions & { name?: string | undefined } = {},
): Promise<RatingsReport> {
  const settings = readSettings(options)
  const file = options.name ?? blob.name ?? 'ratings'
  const kind = sourceKind(await blobBytes(blob, 0, Math.min(blob.size, MAGIC_BYTES), file), file)
  checkFormat(file, settings, kind)
  settings.signal?.throwIfAborted()
  const read = await readBlob(blob, kind, file, settings)
  settings.onProgress(blob.size, blob.size)
  return ratingsReport(file, read, settings)
}

async function readBlob(blob: ByteBlob, kind: SourceKind, file: string, settings: ReadSettings): Promise<ReadResult> {
  if (kind === 'parquet') return await (await import('./parquet/read-parquet.ts')).readParquet(blob, file, settings)
  if (kind !== 'packed') {
    const chunks = (_: unknown, onProgress: ReadSettings['onProgress']) => blobChunks(blob, kind, file, onProgress)
    return await readText({ file, recoded: false, chunks }, settings)
  }
  const [{ readPacked }, { crc32: sumOf }] = await Promise.all([
    import('./packed/read-packed.ts'),
    import('./crc32.ts'),
  ])
  const read = async (into: Uint8Array, start: number) =>
    into.set(await blobBytes(blob, start, start + into.length, file))
  return await readPacked({ file, size: blob.size, read, sumOf }, settings)
}
