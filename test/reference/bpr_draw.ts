/** A row of `BprRow`s. */
export interface ReferenceBprRow {
  row: number
  place: number
  first: number
  entries: number
  slot: number
  negatives: number
  chance: number
}

/** What the words of a round are hashes of, and where in its epoch it stands. */
export interface ReferenceRound {
  orderKey: number
  drawKey: number
  round: number
  rounds: number
}

/** A sample: what the row is paired with; `other` undefined where no negative was found. */
export interface ReferenceSample {
  /** The other side's row: the positive item for a user, the user for an item. */
  partner: number
  other: number | undefined
  asNegative: boolean
}

export const tries = 64

/** Wellons' lowbias32. */
export function scrambled(word: number): number {
  let x = word >>> 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad) >>> 0
  x = Math.imul(x ^ (x >>> 15), 0xd35a2d97) >>> 0
  return (x ^ (x >>> 15)) >>> 0
}

export const drawn = (key: number, purpose: number): number =>
  scrambled((key + Math.imul(purpose + 1, 0x9e3779b1)) >>> 0)

/** Kensler's permutation of 0 to length - 1. */
export function permuted(position: number, length: number, key: number): number {
  let mask = 0
  while (mask < length - 1) mask = 2 * mask + 1
  let x = position
  do {
    x = Math.imul(x ^ key, 0xe170893d)
    x ^= key >>> 16
    x ^= (x & mask) >>> 4
    x = Math.imul(x ^ (key >>> 8), 0x0929eb3f)
    x ^= key >>> 23
    x ^= (x & mask) >>> 1
    x = Math.imul(x, Math.imul(1 | (key >>> 27), 0x6935fa69))
    x = Math.imul(x ^ ((x & mask) >>> 11), 0x74dcb303)
    x = Math.imul(x ^ ((x & mask) >>> 2), 0x9e501cc3)
    x = Math.imul(x ^ ((x & mask) >>> 2), 0xc860a3df)
    x &= mask
    x = (x ^ (x >>> 5)) >>> 0
  } while (x >= length)
  return (x + (key % length)) % length
}

/** Of a row's n entries those from floor((n r + o) / R) to floor((n (r + 1) + o) / R), and its samples as the negative. */
export function shareOf({ row, entries, negatives, chance }: ReferenceBprRow, at: ReferenceRound) {
  const offset = drawn(at.orderKey, row) % at.rounds
  const first = Math.floor((entries * at.round + offset) / at.rounds)
  const end = Math.floor((entries * (at.round + 1) + offset) / at.rounds)
  const more = drawn(drawn(at.drawKey, row), 0xfffffffe) < chance
  return { first, positives: end - first, negatives: negatives + Number(more) }
}

/** Outcome `word` of an alias table: pairs (threshold, other outcome). */
export function outcomeOf(columns: ArrayLike<number>, word: number): number {
  const column = word % (columns.length / 2)
  return scrambled(word) < columns[2 * column]! ? column : columns[2 * column + 1]!
}

/** The first item drawn that is not among `own`; items alike without columns. */
export function negativeFor(
  own: ReadonlySet<number>,
  items: number,
  columns: ArrayLike<number> | undefined,
  key: number,
): number | undefined {
  for (let attempt = 0; attempt < tries; attempt++) {
    const word = drawn(key, attempt)
    const item = columns === undefined ? word % items : outcomeOf(columns, word)
    if (!own.has(item)) return item
  }
  return undefined
}
