import { stat } from 'node:fs/promises'
import { type DuplicatePolicy, mergeDuplicates } from '../data/duplicates.ts'
import type { Ratings } from '../data/ratings.ts'
import { encodePacked } from '../ingest/packed/encode-packed.ts'
import { sumOf } from './ingest/packed.ts'
import { writeFileWhole } from './write-file.ts'

/**
 * Writes ratings as they lie in memory, so that `readRatings` gives the same arrays again without reading text: the whole
 * file in one step, or nothing. Entries of one user and item are merged first, and the file says how.
 * @param options `duplicates`: which of those counts; by default the last
 * @returns the size of the file in bytes
 * @throws InputError where an entry has no id, or an id cannot be written.
 * @throws OutputError where the file cannot be written; what stood there before is then unchanged.
 */
export async function writePacked(
  path: string,
  ratings: Ratings,
  options: { duplicates?: DuplicatePolicy | undefined } = {},
): Promise<number> {
  const { duplicates = 'last' } = options
  return await writeMerged(path, mergeDuplicates(ratings, duplicates), duplicates)
}

/** `writePacked` of ratings whose duplicates have been merged by a policy. */
export async function writeMerged(
  path: string,
  ratings: Ratings,
  duplicates: DuplicatePolicy,
  signal?: AbortSignal,
): Promise<number> {
  await writeFileWhole(path, watched(encodePacked(ratings, duplicates, sumOf), signal))
  return (await stat(path)).size
}

/** The pieces, until the caller has had enough. */
function* watched(pieces: Iterable<Uint8Array>, signal: AbortSignal | undefined): Generator<Uint8Array> {
  for (const piece of pieces) {
    signal?.throwIfAborted()
    yield piece
  }
}
