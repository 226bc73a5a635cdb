import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { placeBits, sortTiles } from '../../src/layout/tile-sort.ts'

const tiles = fc.record({
  seed: fc.nat(),
  lengths: fc.array(
    fc.oneof(fc.constantFrom(0, 1, 2, 31, 32, 33, 64), fc.integer({ min: 0, max: 90 }), fc.constant(3000)),
    {
      maxLength: 5,
    },
  ),
  held: fc.constantFrom(1, 2, 3, 100, 2049, 65_536),
  streamed: fc.constantFrom(1, 2, 7, 255, 4096, 65_536),
  ratings: fc.constantFrom(1, 5, 2 ** 32),
})

describe('sortTiles', () => {
  it('sorts each tile by held place, streamed place and the bits of the rating', () => {
    fc.assert(
      fc.property(tiles, ({ seed, lengths, held, streamed, ratings }) => {
        const random = new Random(seed)
        const start = Uint32Array.from([0, ...lengths])
        for (let tile = 0; tile < lengths.length; tile++) start[tile + 1]! += start[tile]!
        const total = start.at(-1)!
        const bits = placeBits(held, streamed)
        const entries = new Uint32Array(2 * total)
        for (let at = 0; at < entries.length; at += 2) {
          entries[at] = 2 ** 32 - 1 - random.below(ratings)
          entries[at + 1] = random.below(held) * 2 ** bits.streamed + random.below(streamed)
        }
        const expected = lengths.flatMap((_, tile) => {
          const pairs = Array.from({ length: start[tile + 1]! - start[tile]! }, (_, at) => {
            const entry = 2 * (start[tile]! + at)
            const word = entries[entry + 1]!
            const [one, other] = [Math.floor(word / 2 ** bits.streamed), word % 2 ** bits.streamed]
            return { bits: entries[entry]!, place: one * 65_536 + other }
          })
          return pairs.sort((a, b) => a.place - b.place || a.bits - b.bits)
        })
        let runs = 0
        for (let tile = 0; tile < lengths.length; tile++) {
          const places = expected.slice(start[tile], start[tile + 1]).map(({ place }) => place >>> 16)
          runs += new Set(places).size
        }
        expect(sortTiles(entries, start, bits)).toBe(runs)
        expect(entries).toEqual(Uint32Array.from(expected.flatMap(({ bits, place }) => [bits, place])))
      }),
      { seed: 21, numRuns: 80 },
    )
  })

  it('sorts many entries of one user and item', () => {
    const length = 200_000
    const entries = new Uint32Array(2 * length)
    for (let entry = 0; entry < length; entry++) entries[2 * entry] = length - entry
    sortTiles(entries, Uint32Array.of(0, length), placeBits(5, 9))
    for (let entry = 0; entry < length; entry++) if (entries[2 * entry] !== entry + 1) expect.fail(`entry ${entry}`)
  })
})
