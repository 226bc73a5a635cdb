import fc from 'fast-check'

/** A change of a file's bytes. */
export type Mutation = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>

/** Numbers that a length in a header may lie by. */
const lengths = [0n, 1n, 0x7fffffffn, 0xffffffffn, 2n ** 40n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 64n - 1n]

const concat = (...pieces: Uint8Array[]) => new Uint8Array(Buffer.concat(pieces))

/**
 * What happens to real files, and what is done to them: bits flip, ends are cut off or grow, parts are repeated, left out or
 * taken from another file, lengths become huge. Half of it goes to the first `head` bytes.
 */
export function mutations(head: number, donors: readonly Uint8Array[]): fc.Arbitrary<Mutation> {
  const share = fc.noBias(fc.nat(2 ** 24 - 1)).map(at => at / 2 ** 24)
  const place = fc.tuple(fc.boolean(), share).map(([early, at]) => (length: number) => {
    return Math.floor(at * (early ? Math.min(head, length) : length))
  })
  const flip = fc.array(fc.tuple(place, fc.nat(7)), { minLength: 1, maxLength: 4 }).map(
    (flips): Mutation =>
      bytes => {
        const changed = bytes.slice()
        for (const [at, bit] of flips) if (changed.length > 0) changed[at(changed.length)]! ^= 1 << bit
        return changed
      },
  )
  const cut = place.map(
    (at): Mutation =>
      bytes =>
        bytes.slice(0, at(bytes.length)),
  )
  const grow = fc.uint8Array({ minLength: 1, maxLength: 64 }).map(
    (more): Mutation =>
      bytes =>
        concat(bytes, more),
  )
  const part = fc.tuple(place, place)
  const between = ([from, to]: [(length: number) => number, (length: number) => number], length: number) => {
    const [a, b] = [from(length), to(length)]
    return [Math.min(a, b), Math.max(a, b)] as const
  }
  const repeat = part.map(
    (ends): Mutation =>
      bytes => {
        const [from, to] = between(ends, bytes.length)
        return concat(bytes.subarray(0, to), bytes.subarray(from))
      },
  )
  const leave = part.map(
    (ends): Mutation =>
      bytes => {
        const [from, to] = between(ends, bytes.length)
        return concat(bytes.subarray(0, from), bytes.subarray(to))
      },
  )
  const splice = fc.tuple(place, fc.constantFrom(...donors)).map(
    ([at, donor]): Mutation =>
      bytes => {
        const end = at(bytes.length)
        return concat(donor.subarray(0, end), bytes.subarray(end))
      },
  )
  const lie = fc.tuple(place, fc.constantFrom(...lengths)).map(
    ([at, length]): Mutation =>
      bytes => {
        const changed = bytes.slice()
        if (changed.length < 8) return changed
        const start = Math.min(changed.length - 8, 8 * Math.floor(at(changed.length) / 8))
        new DataView(changed.buffer).setBigUint64(start, length, true)
        return changed
      },
  )
  return fc.oneof(flip, cut, grow, repeat, leave, splice, lie)
}
