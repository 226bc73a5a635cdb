import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { largestSteps, placeSteps, shareSlot, sumOf } from '../../src/layout/step-slots.ts'

const problem = fc
  .record({
    steps: fc.integer({ min: 0, max: 30 }),
    tables: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(),
    most: fc.integer({ min: 0, max: 120 }),
  })
  .map(({ steps, tables, seed, most }) => {
    const random = new Random(seed)
    return {
      order: random.permutation(steps),
      words: Array.from({ length: tables }, () => Uint32Array.from({ length: steps }, () => random.below(40))),
      most: Array.from({ length: tables }, () => random.below(most + 1)),
    }
  })

describe('placeSteps', () => {
  it('lays steps side by side in their order, as many as fit', () => {
    fc.assert(
      fc.property(problem, ({ order, words, most }) => {
        const { runOf, start, ends } = placeSteps(order, words, most)
        let run: number[] = []
        const runs: number[][] = []
        for (const step of order) {
          const together = [...run, step]
          const fits = words.every((own, table) => sumOf(together.map(one => own[one]!)) <= most[table]!)
          if (run.length > 0 && !fits) {
            runs.push(run)
            run = []
          }
          run.push(step)
        }
        if (run.length > 0) runs.push(run)
        let place = 0
        expect(ends).toEqual(runs.map(own => (place += own.length)))
        runs.forEach((own, at) => {
          own.forEach((step, index) => {
            expect(runOf[step]).toBe(at)
            words.forEach((table, t) => {
              expect(start[t]![step]).toBe(sumOf(own.slice(0, index).map(one => table[one]!)))
            })
          })
        })
      }),
      { seed: 3, numRuns: 300 },
    )
  })
})

describe('shareSlot', () => {
  it('has room for the largest steps, keeps to its own and to what there is', () => {
    fc.assert(
      fc.property(problem, fc.nat({ max: 400 }), ({ words }, more) => {
        const largest = largestSteps(words)
        const room = sumOf(largest) + more
        const shares = shareSlot(words, room)
        expect(sumOf(shares)).toBeLessThanOrEqual(room)
        shares.forEach((share, table) => {
          expect(share).toBeGreaterThanOrEqual(Math.max(4, ...words[table]!))
          expect(share).toBeLessThanOrEqual(Math.max(largest[table]!, sumOf(words[table]!)))
        })
        const all = words.map((own, table) => Math.max(largest[table]!, sumOf(own)))
        if (room >= sumOf(all)) expect(shares).toEqual(all)
        else expect(sumOf(shares)).toBeGreaterThan(room - words.length - 1)
      }),
      { seed: 4, numRuns: 300 },
    )
  })
})
