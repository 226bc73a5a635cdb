import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { SumTree } from '../../src/data/sum-tree.ts'

const weightLists = fc
  .array(fc.double({ min: 1e-30, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 20 })
  .map(list => Float64Array.from(list))
const drain = (tree: SumTree, count: number, random: Pick<Random, 'uniform'>) =>
  Array.from({ length: count }, () => tree.take(random))

describe('SumTree', () => {
  it('gives each index once, even from the edges of [0, 1), where sums are rounded', () => {
    const edges = fc.constantFrom(0, 1 - 2 ** -53)
    fc.assert(
      fc.property(weightLists, edges, (weights, edge) => {
        const taken = drain(new SumTree(weights), weights.length, { uniform: () => edge })
        expect(taken.sort((a, b) => a - b)).toEqual(Array.from(weights.keys()))
      }),
      { seed: 1, numRuns: 2000 },
    )
  })

  it('draws the same again after all was put back', () => {
    fc.assert(
      fc.property(weightLists, fc.nat(), (weights, seed) => {
        const tree = new SumTree(weights)
        const first = drain(tree, weights.length, new Random(seed))
        for (const index of first) tree.putBack(index)
        expect(drain(tree, weights.length, new Random(seed))).toEqual(first)
      }),
      { seed: 2 },
    )
  })

  it('draws the second index by the weights that are left', () => {
    const tree = new SumTree(Float64Array.of(6, 3, 1))
    const random = new Random(3)
    const hits = new Map<string, number>()
    const runs = 20_000
    for (let run = 0; run < runs; run++) {
      const pair = drain(tree, 2, random)
      hits.set(pair.join(), (hits.get(pair.join()) ?? 0) + 1)
      for (const index of pair) tree.putBack(index)
    }
    const probabilities = {
      '0,1': (0.6 * 3) / 4,
      '0,2': (0.6 * 1) / 4,
      '1,0': (0.3 * 6) / 7,
      '1,2': 0.3 / 7,
      '2,0': 0.2 / 3,
      '2,1': 0.1 / 3,
    }
    for (const [pair, probability] of Object.entries(probabilities)) {
      const expected = runs * probability
      expect(Math.abs((hits.get(pair) ?? 0) - expected)).toBeLessThan(5 * Math.sqrt(expected))
    }
  })
})
