import { readFile } from 'node:fs/promises'
import { expect } from 'vitest'
import { LowrankError } from '../../src/errors.ts'
import type { ReadOptions } from '../../src/ingest/options.ts'
import { parseRatings } from '../../src/ingest/parse-ratings.ts'
import type { RatingsReport } from '../../src/ingest/report.ts'
import { readRatingsReport } from '../../src/node/read-ratings.ts'
import { arraysOf, digestsOf, type Scratch } from '../node/read-ratings-helpers.ts'

/** Entries whose arrays are too long to be compared but by their digests. */
const MANY = 100

/** What became of a file: the ratings, or the error, in full. */
async function outcome(reading: Promise<RatingsReport>) {
  try {
    const { ratings, skipped, firstSkipped, merged } = await reading
    const { userIds, itemIds } = ratings
    const arrays = ratings.length > MANY ? digestsOf(ratings) : arraysOf(ratings)
    const kinds = [userIds.kind, itemIds.kind]
    return { ratings, read: { arrays, kinds, skipped, first: firstSkipped?.message, merged } }
  } catch (error) {
    if (!(error instanceof LowrankError)) throw error
    return { error, refused: { ...error, message: error.message, type: error.constructor.name } }
  }
}

/** Reads a file by its path and by its bytes, expects the same from both, and returns it. */
export async function readBoth(path: string, options: ReadOptions = {}) {
  const bytes = await readFile(path)
  const byPath = await outcome(readRatingsReport(path, options))
  const byBytes = await outcome(parseRatings(new File([bytes], 'other'), { ...options, name: path }))
  expect(byBytes.refused).toEqual(byPath.refused)
  expect(byBytes.read).toEqual(byPath.read)
  return byBytes
}

/** `readBoth` of bytes that are no file yet. */
export async function writeAndReadBoth(scratch: Scratch, bytes: string | Uint8Array, options: ReadOptions = {}) {
  return await readBoth(await scratch.file('both', bytes), options)
}
