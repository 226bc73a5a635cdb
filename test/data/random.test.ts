import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'

const draws = (random: Random, count: number) => Array.from({ length: count }, () => random.uint32())
const moments = (values: number[]) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length }
}

/** xoshiro128** as its authors write it, in 32-bit arithmetic on BigInt. */
function xoshiro128(state: [bigint, bigint, bigint, bigint], count: number): number[] {
  const mask = 0xffffffffn
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask
  return Array.from({ length: count }, () => {
    const result = (rotl((state[1] * 5n) & mask, 7n) * 9n) & mask
    const t = (state[1] << 9n) & mask
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= t
    state[3] = rotl(state[3], 11n)
    return Number(result)
  })
}

/** The four words of state, from the outputs of SplitMix32. */
function seedState(seed: number, stream: number): [bigint, bigint, bigint, bigint] {
  const mask = 0xffffffffn
  let state = ((BigInt(seed) * 0x9e3779b1n) ^ (BigInt(stream + 1) * 0x85ebca6bn)) & mask
  const next = () => {
    state = (state + 0x9e3779b9n) & mask
    let z = state
    z = ((z ^ (z >> 16n)) * 0x21f0aaadn) & mask
    z = ((z ^ (z >> 15n)) * 0x735a2d97n) & mask
    return z ^ (z >> 15n)
  }
  return [next(), next(), next(), next() | 1n]
}

describe('Random', () => {
  it('is xoshiro128** seeded by SplitMix32', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.nat(0x7fffffff), (seed, stream) => {
        expect(draws(new Random(seed, stream), 40)).toEqual(xoshiro128(seedState(seed, stream), 40))
      }),
      { seed: 1 },
    )
  })

  it('gives other numbers for other seeds and streams', () => {
    const sequences = [0, 1, 2, 0xffffffff].flatMap(seed =>
      [0, 1, 2].map(stream => draws(new Random(seed, stream), 4).join(' ')),
    )
    expect(new Set(sequences).size).toBe(sequences.length)
  })

  it('passes over normal numbers as if they were drawn', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(5), fc.nat(3000), fc.nat(3000), (seed, before, first, second) => {
        const [drawn, passed] = [new Random(seed), new Random(seed)]
        for (const random of [drawn, passed]) for (let number = 0; number < before; number++) random.normal()
        for (let number = 0; number < first + second; number++) drawn.normal()
        passed.skipNormals(first)
        passed.skipNormals(second)
        const next = (random: Random) => [random.normal(), random.normal(), random.uint32()]
        expect(next(passed)).toEqual(next(drawn))
      }),
      { seed: 2, numRuns: 200 },
    )
  })

  it('passes over more numbers than can be drawn', () => {
    const [one, other] = [new Random(9), new Random(9)]
    one.skipNormals(2 ** 45 + 7)
    other.skipNormals(2 ** 44)
    other.skipNormals(2 ** 44 + 7)
    expect(one.uint32()).toBe(other.uint32())
    expect(one.uint32()).not.toBe(new Random(9).uint32())
  })

  it('draws uniform and normal numbers of the right moments', () => {
    const random = new Random(5)
    const count = 200_000
    const uniform = Array.from({ length: count }, () => random.uniform())
    expect(uniform.every(value => value >= 0 && value < 1)).toBe(true)
    const normal = Array.from({ length: count }, () => random.normal())
    expect(normal.every(Number.isFinite)).toBe(true)
    // Five standard errors of each: the mean's is sd / sqrt(n), the variance's sqrt((m4 - sd^4) / n).
    const u = moments(uniform)
    expect(Math.abs(u.mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / count))
    expect(Math.abs(u.variance - 1 / 12)).toBeLessThan(5 * Math.sqrt((1 / 80 - 1 / 144) / count))
    const n = moments(normal)
    expect(Math.abs(n.mean)).toBeLessThan(5 * Math.sqrt(1 / count))
    expect(Math.abs(n.variance - 1)).toBeLessThan(5 * Math.sqrt(2 / count))
  })

  it('draws integers below a bound, all equally often', () => {
    const random = new Random(6)
    const hits = new Uint32Array(7)
    const count = 70_000
    for (let draw = 0; draw < count; draw++) hits[random.below(7)]!++
    expect(hits.reduce((sum, n) => sum + n, 0)).toBe(count)
    for (const n of hits) expect(Math.abs(n - count / 7)).toBeLessThan(5 * Math.sqrt((count * 6) / 49))
    expect(random.below(1)).toBe(0)
  })

  it('permutes: each number once, each place equally likely', () => {
    for (const length of [0, 1, 2, 100]) {
      expect(new Random(1).permutation(length).sort()).toEqual(Uint32Array.from({ length }, (_, at) => at))
    }
    const hits = Array.from({ length: 4 }, () => new Uint32Array(4))
    const runs = 8000
    for (let seed = 0; seed < runs; seed++) {
      new Random(seed).permutation(4).forEach((value, at) => {
        hits[at]![value]!++
      })
    }
    for (const n of hits.flatMap(row => [...row])) {
      expect(Math.abs(n - runs / 4)).toBeLessThan(5 * Math.sqrt((runs * 3) / 16))
    }
  })

  it('shuffles in place and keeps the values', () => {
    const values = Uint32Array.of(5, 5, 7, 9)
    const random = new Random(3)
    random.shuffle(values)
    expect(values.sort()).toEqual(Uint32Array.of(5, 5, 7, 9))
  })
})
