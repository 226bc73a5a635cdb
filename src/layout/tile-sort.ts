/** Bits of a digit at most: its counts stay in the first cache. */
const mostDigitBits = 11

/** Entries of a tile up to which it is sorted by insertion. */
const fewEntries = 32

/** How the places of an entry, the one in its held block above that in its streamed one, share a word. */
export interface PlaceBits {
  held: number
  streamed: number
}

/** The fewest bits that tell the slots of the largest held and of the largest streamed block apart. */
export const placeBits = (heldSlots: number, streamedSlots: number): PlaceBits => ({
  held: Math.ceil(Math.log2(Math.max(1, heldSlots))),
  streamed: Math.ceil(Math.log2(Math.max(1, streamedSlots))),
})

/**
 * Sorts each tile of `entries`, pairs of words (bits of the rating, places of `bits`), by place and bits of the rating, and
 * brings places to 16 bits each. Linear in the entries: a radix sort. Returns the number of runs of one held row.
 * @param tileStart first entry of each tile, and the end
 */
export function sortTiles(entries: Uint32Array<ArrayBuffer>, tileStart: Uint32Array, bits: PlaceBits): number {
  const sorter = new RadixSorter(entries, bits)
  let runs = 0
  for (let tile = 0; tile + 1 < tileStart.length; tile++) {
    const start = tileStart[tile]!
    const end = tileStart[tile + 1]!
    if (end - start <= fewEntries) {
      insert(entries, start, end)
      runs += spread(entries, start, entries, start, end, bits)
    } else {
      const { from, first } = sorter.sort(start, end)
      runs += spread(from, first, entries, start, end, bits)
    }
  }
  return runs
}

/** A mask of so many bits. By a shift: V8 moves a power into the loops that use it. */
const lowBits = (bits: number) => (1 << bits) - 1

/** Stable, least significant digit first. */
class RadixSorter {
  readonly #entries: Uint32Array<ArrayBuffer>
  readonly #bits: number
  #scratch = new Uint32Array(0)
  #counts = new Uint32Array(2 ** mostDigitBits)
  #upcoming = new Uint32Array(2 ** mostDigitBits)

  constructor(entries: Uint32Array<ArrayBuffer>, { held, streamed }: PlaceBits) {
    this.#entries = entries
    this.#bits = held + streamed
  }

  /** Sorts entries `start` to `end - 1` by place, and tells where they are then. */
  sort(start: number, end: number): { from: Uint32Array<ArrayBuffer>; first: number } {
    const length = end - start
    if (this.#scratch.length < 2 * length) this.#scratch = new Uint32Array(2 * length)
    const passes = Math.ceil(this.#bits / Math.min(mostDigitBits, Math.floor(Math.log2(length))))
    const digitBits = Math.ceil(this.#bits / passes)
    const mask = lowBits(digitBits)
    const counts = this.#counts.fill(0, 0, mask + 1)
    const entries = this.#entries
    for (let at = 2 * start + 1; at < 2 * end; at += 2) counts[entries[at]! & mask]!++
    for (let pass = 0; pass < passes; pass++) {
      const shift = pass * digitBits
      if (pass % 2 === 0) this.#pass(entries, start, this.#scratch, 0, length, shift, digitBits)
      else this.#pass(this.#scratch, 0, entries, start, length, shift, digitBits)
    }
    return passes % 2 === 0 ? { from: entries, first: start } : { from: this.#scratch, first: 0 }
  }

  /** Puts `length` entries of `from` into `to` by the digit of `bits` bits above `shift`, and counts the digit above that. */
  #pass(
    from: Uint32Array,
    first: number,
    to: Uint32Array,
    target: number,
    length: number,
    shift: number,
    bits: number,
  ): void {
    const mask = lowBits(bits)
    const above = shift + bits
    const next = this.#counts
    const counts = this.#upcoming.fill(0, 0, mask + 1)
    let place = target
    for (let digit = 0; digit <= mask; digit++) {
      const count = next[digit]!
      next[digit] = place
      place += count
    }
    const end = 2 * (first + length)
    for (let at = 2 * first; at < end; at += 2) {
      const word = from[at + 1]!
      const into = 2 * next[(word >>> shift) & mask]!++
      counts[(word >>> above) & mask]!++
      to[into] = from[at]!
      to[into + 1] = word
    }
    this.#counts = counts
    this.#upcoming = next
  }
}

function insert(entries: Uint32Array, start: number, end: number): void {
  for (let from = 2 * start + 2; from < 2 * end; from += 2) {
    const bits = entries[from]!
    const word = entries[from + 1]!
    let at = from
    for (; at > 2 * start && entries[at - 1]! > word; at -= 2) {
      entries[at] = entries[at - 2]!
      entries[at + 1] = entries[at - 1]!
    }
    entries[at] = bits
    entries[at + 1] = word
  }
}

/**
 * Brings a tile that is sorted by place, from `first` on in `from`, to where it belongs: places of 16 bits, and those of one
 * place, which follow one another, by the bits of their ratings. Returns the number of runs.
 */
function spread(
  from: Uint32Array,
  first: number,
  entries: Uint32Array<ArrayBuffer>,
  start: number,
  end: number,
  { streamed }: PlaceBits,
): number {
  const mask = lowBits(streamed)
  const target = 2 * start
  const length = 2 * (end - start)
  const source = 2 * first
  let runs = 0
  let ties = 0
  // Words as signed numbers, and a first one that differs, so that no number here takes more than 32 bits.
  let before = ~from[source + 1]!
  for (let at = 0; at < length; at += 2) {
    const word = from[source + at + 1]! | 0
    // The places of runs differ in a bit above those of the streamed side.
    if ((word ^ before) >>> streamed !== 0) runs++
    if (word === before) ties++
    before = word
    entries[target + at] = from[source + at]!
    entries[target + at + 1] = ((word >>> streamed) << 16) | (word & mask)
  }
  if (ties > 0) sortTies(entries, start, end)
  return runs
}

function sortTies(entries: Uint32Array<ArrayBuffer>, start: number, end: number): void {
  for (let entry = start + 1; entry < end; entry++) {
    if (entries[2 * entry + 1] !== entries[2 * entry - 1]) continue
    const first = entry - 1
    while (entry < end && entries[2 * entry + 1] === entries[2 * first + 1]) entry++
    // As little-endian 64-bit numbers, the equal places are the high words.
    new BigUint64Array(entries.buffer, 8 * first, entry - first).sort()
  }
}
