import type { DuplicatePolicy } from '../../data/duplicates.ts'
import { type IdTable, UNKNOWN } from '../../data/ids.ts'
import type { Ratings } from '../../data/ratings.ts'
import { InputError } from '../../errors.ts'
import { encodeHeader, sectionsOf } from './header.ts'
import type { SumOf } from './read-packed.ts'
import { requireLittleEndian } from './words.ts'

/** Bytes of a piece: small against the memory of the columns, large against the cost of a write. */
const PIECE = 1 << 23

/**
 * The bytes of a packed file in pieces, in order; the columns are not copied.
 * @param duplicates by which entries of one user and item have been merged
 * @throws InputError where an entry has no id, or an id holds half of a surrogate pair, which UTF-8 cannot express.
 */
export function* encodePacked(ratings: Ratings, duplicates: DuplicatePolicy, sumOf: SumOf): Generator<Uint8Array> {
  requireLittleEndian()
  checkKnown(ratings)
  const { users, items, values, times, userIds, itemIds, length } = ratings
  const user = idColumns('user', userIds)
  const item = idColumns('item', itemIds)
  const columns = [users, items, values, times, user.ids, user.lengths, item.ids, item.lengths].map(bytesOf)
  const counts = {
    entries: length,
    users: userIds.size,
    items: itemIds.size,
    times: times !== undefined,
    userText: user.text,
    itemText: item.text,
  }
  const sums = columns.map(column => pieces(column).reduce((sum, piece) => sumOf(piece, sum), 0))
  const header = encodeHeader({ ...counts, duplicates, sums })
  yield header
  let end = header.length
  for (const [at, { start }] of sectionsOf(counts).sections.entries()) {
    if (start > end) yield new Uint8Array(start - end)
    yield* pieces(columns[at]!)
    end = start + columns[at]!.length
  }
}

function checkKnown({ users, items, length }: Ratings): void {
  for (let e = 0; e < length; e++) {
    if (users[e] !== UNKNOWN && items[e] !== UNKNOWN) continue
    const role = users[e] === UNKNOWN ? 'user' : 'item'
    throw new InputError(`entry ${e} is of an unknown ${role}, which has no id to write`)
  }
}

interface IdColumns {
  ids: Float64Array | Uint8Array
  /** Of ids that are text. */
  lengths: Uint32Array | undefined
  /** Bytes of ids that are text. */
  text: number | undefined
}

function idColumns(role: string, { values }: IdTable): IdColumns {
  if (values instanceof Float64Array) {
    const unsafe = values.find(id => !Number.isSafeInteger(id))
    if (unsafe !== undefined) throw new InputError(`the ${role} id ${unsafe} is no safe integer`)
    return { ids: values, lengths: undefined, text: undefined }
  }
  const encoder = new TextEncoder()
  const lengths = new Uint32Array(values.length)
  let bytes = new Uint8Array(1 << 16)
  let end = 0
  for (const [at, id] of values.entries()) {
    if (/\p{Surrogate}/u.test(id)) {
      throw new InputError(`the ${role} id ${JSON.stringify(id)} holds half of a surrogate pair`)
    }
    // A UTF-16 unit takes at most three bytes of UTF-8.
    if (end + 3 * id.length > bytes.length) {
      const longer = new Uint8Array(Math.max(2 * bytes.length, end + 3 * id.length))
      longer.set(bytes)
      bytes = longer
    }
    lengths[at] = encoder.encodeInto(id, bytes.subarray(end)).written
    end += lengths[at]!
  }
  return { ids: bytes.subarray(0, end), lengths, text: end }
}

function bytesOf(column: ArrayBufferView | undefined): Uint8Array {
  if (column === undefined) return new Uint8Array(0)
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
}

function pieces(bytes: Uint8Array): Uint8Array[] {
  const count = Math.ceil(bytes.length / PIECE)
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * PIECE, (at + 1) * PIECE))
}
