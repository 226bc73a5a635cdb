import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutBlocks, cutRows, spanOf, stratumParts } from '../../src/layout/shards.ts'

describe('cutRows', () => {
  it('cuts into spans of at most so many rows, one after another', () => {
    expect(cutRows(0, 4)).toEqual([{ first: 0, rows: 0 }])
    expect(cutRows(4, 4)).toEqual([{ first: 0, rows: 4 }])
    expect(cutRows(9, 4)).toEqual([
      { first: 0, rows: 4 },
      { first: 4, rows: 4 },
      { first: 8, rows: 1 },
    ])
  })
})

describe('spanOf', () => {
  it('finds the span of each row', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 30 }), (rows, most) => {
        const spans = cutRows(rows, most)
        for (let row = 0; row < rows; row++) expect(spanOf(spans, row)).toBe(Math.floor(row / most))
      }),
      { seed: 1 },
    )
  })
})

describe('cutBlocks', () => {
  it('cuts between whole groups, with as many as fit and no block left out', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 60 }), (slots, group, most) => {
        const starts = Uint32Array.from([0, ...slots])
        for (let block = 0; block < slots.length; block++) starts[block + 1]! += starts[block]!
        const spans = cutBlocks(starts, group, most)
        let next = 0
        for (const { first, rows, blocks } of spans) {
          const [from, to] = blocks
          expect(from).toBe(next)
          expect([first, first + rows]).toEqual([starts[from], starts[to]])
          expect(to > from && (to % group === 0 || to === slots.length)).toBe(true)
          if (to - from > group) expect(rows).toBeLessThanOrEqual(most)
          const more = Math.min(to + group, slots.length)
          if (to < slots.length) expect(starts[more]! - first).toBeGreaterThan(most)
          next = to
        }
        expect(next).toBe(slots.length)
      }),
      { seed: 2 },
    )
  })
})

describe('stratumParts', () => {
  it('gives each worker of a stratum to the part of its held and its streamed span, once', () => {
    const cuts = (end: number) =>
      fc.uniqueArray(fc.integer({ min: 1, max: Math.max(1, end - 1) }), { maxLength: 4 }).map(inner => {
        const bounds = [0, ...inner.filter(cut => cut < end).sort((a, b) => a - b), end]
        return bounds.slice(1).map((bound, at) => [bounds[at]!, bound] as const)
      })
    const any = fc
      .record({ workers: fc.integer({ min: 1, max: 20 }), strata: fc.integer({ min: 1, max: 25 }) })
      .chain(({ workers, strata }) =>
        fc.record({
          strata: fc.constant(strata),
          stratum: fc.integer({ min: 0, max: strata - 1 }),
          held: cuts(workers),
          streamed: cuts(strata),
        }),
      )
    fc.assert(
      fc.property(any, ({ strata, stratum, held, streamed }) => {
        const parts = stratumParts(stratum, strata, held, streamed)
        const seen = new Map<number, [number, number]>()
        for (const part of parts) {
          for (let worker = part.from; worker < part.to; worker++) {
            expect(seen.has(worker)).toBe(false)
            seen.set(worker, [part.held, part.streamed])
          }
        }
        const within = (spans: readonly (readonly [number, number])[], at: number) =>
          spans.findIndex(([from, to]) => at >= from && at < to)
        for (let worker = 0; worker < held.at(-1)![1]; worker++) {
          expect(seen.get(worker)).toEqual([within(held, worker), within(streamed, (worker + stratum) % strata)])
        }
        if (held.length === 1 && streamed.length === 1) expect(parts).toHaveLength(1)
      }),
      { seed: 3 },
    )
  })
})
