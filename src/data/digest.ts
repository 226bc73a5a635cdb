import type { IdTable } from './ids.ts'
import type { Ratings } from './ratings.ts'
import { unshared } from './shared.ts'

/** Bytes that are hashed in one call, each of which copies them. */
const chunkBytes = 16 * 2 ** 20

/** Ids that are spelled out in one piece. */
const idsTogether = 65_536

/**
 * SHA-256, in hexadecimal, of the SHA-256s of the pieces in their order, each cut to chunks of 16 MiB: hashes any amount of
 * data without holding a copy of it.
 */
export async function digest(pieces: Iterable<ArrayBufferView<ArrayBufferLike>>): Promise<string> {
  const hashes: Uint8Array<ArrayBuffer>[] = []
  for (const { buffer, byteOffset, byteLength } of pieces) {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength)
    let at = 0
    do {
      hashes.push(await sha256(unshared(bytes.subarray(at, at + chunkBytes))))
      at += chunkBytes
    } while (at < byteLength)
  }
  const all = new Uint8Array(32 * hashes.length)
  for (const [at, hash] of hashes.entries()) all.set(hash, 32 * at)
  return Array.from(await sha256(all), byte => byte.toString(16).padStart(2, '0')).join('')
}

const sha256 = async (bytes: Uint8Array<ArrayBuffer>) =>
  new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes))

/** What a training sees of ratings: entries in their order and ids, without the times. */
export function* ratingsPieces({ users, items, values, userIds, itemIds }: Ratings): Generator<ArrayBufferView> {
  yield* [users, items, values]
  for (const ids of [userIds, itemIds]) yield* idPieces(ids)
}

function* idPieces({ kind, size, values }: IdTable): Generator<ArrayBufferView> {
  yield new TextEncoder().encode(JSON.stringify({ kind, size }))
  if (values instanceof Float64Array) {
    yield values
    return
  }
  for (let at = 0; at < size; at += idsTogether) {
    yield new TextEncoder().encode(JSON.stringify(values.slice(at, at + idsTogether)))
  }
}
