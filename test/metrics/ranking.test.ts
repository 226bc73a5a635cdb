import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OptionError } from '../../src/errors.ts'
import { areaUnderCurve, RankingMeter } from '../../src/metrics/ranking.ts'

function measure(at: readonly number[], users: readonly (readonly [list: number[], relevant: number[]])[]) {
  const meter = new RankingMeter(at)
  for (const [list, relevant] of users) meter.add(Uint32Array.from(list), Uint32Array.from(relevant))
  return { ...meter.metrics(), users: meter.users }
}

const close = (value: number): number => expect.closeTo(value, 12) as number

describe('RankingMeter', () => {
  it('measures one list by hand', () => {
    // Hits at ranks 2 and 5 of five; three relevant items, one of them in no list.
    const list = [
      [4, 7, 2, 9, 1],
      [1, 7, 30],
    ] as [number[], number[]]
    const log2of3 = Math.log2(3)
    expect(measure([1, 3, 5], [list])).toEqual({
      'precision@1': 0,
      'recall@1': 0,
      'ndcg@1': 0,
      'map@1': 0,
      'mrr@1': 0,
      'hit@1': 0,
      'precision@3': close(1 / 3),
      'recall@3': close(1 / 3),
      'ndcg@3': close(1 / log2of3 / (1 + 1 / log2of3 + 1 / 2)),
      'map@3': close(1 / 2 / 3),
      'mrr@3': close(1 / 2),
      'hit@3': 1,
      'precision@5': close(2 / 5),
      'recall@5': close(2 / 3),
      'ndcg@5': close((1 / log2of3 + 1 / Math.log2(6)) / (1 + 1 / log2of3 + 1 / 2)),
      'map@5': close((1 / 2 + 2 / 5) / 3),
      'mrr@5': close(1 / 2),
      'hit@5': 1,
      users: { evaluated: 1, skipped: 0 },
    })
  })

  it('holds a list against the ideal one of min(K, relevant) hits', () => {
    const perfect = [
      [1, 2],
      [1, 2, 3, 4, 5],
    ] as [number[], number[]]
    expect(measure([2], [perfect])).toMatchObject({
      'ndcg@2': 1,
      'map@2': 1,
      'precision@2': 1,
      'recall@2': close(2 / 5),
    })
    const single = [[3, 1, 2], [3]] as [number[], number[]]
    expect(measure([3], [single])).toMatchObject({
      'ndcg@3': 1,
      'map@3': 1,
      'precision@3': close(1 / 3),
      'recall@3': 1,
    })
  })

  it('divides precision by K where the list is shorter', () => {
    const short = [[8], [8, 9]] as [number[], number[]]
    expect(measure([4], [short])).toMatchObject({
      'precision@4': close(1 / 4),
      'recall@4': close(1 / 2),
      'map@4': close(1 / 2),
      'mrr@4': 1,
      'hit@4': 1,
    })
  })

  it('averages over users with relevant items, and counts the others', () => {
    const users: [number[], number[]][] = [
      [[1, 2], [1]],
      [[1, 2], [2]],
      [[1, 2], []],
      [[1, 2], [9]],
    ]
    expect(measure([2], users)).toMatchObject({
      'mrr@2': close((1 + 1 / 2) / 3),
      'hit@2': close(2 / 3),
      users: { evaluated: 3, skipped: 1 },
    })
    expect(measure([2], [[[1], []]])['hit@2' as 'users']).toBeNaN()
  })

  it('measures several lengths as it measures each alone', () => {
    const list = fc.uniqueArray(fc.nat(25), { maxLength: 12 })
    const set = fc.uniqueArray(fc.nat(25), { maxLength: 12 }).map(items => items.sort((a, b) => a - b))
    const lengths = fc.uniqueArray(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(fc.tuple(list, set), { minLength: 1, maxLength: 8 }), lengths, (users, at) => {
        fc.pre(users.some(([, relevant]) => relevant.length > 0))
        const together = measure([...at, at[0]!], users)
        const alone = Object.assign(
          {},
          ...at.map(k =>
            measure(
              [k],
              users.map(([items, r]) => [items.slice(0, k), r]),
            ),
          ),
        )
        expect(together).toEqual(alone)
        for (const [name, value] of Object.entries(together)) {
          if (name === 'users') continue
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(1 + 1e-12)
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it.each([[[]], [[0]], [[1.5]], [[10, Number.NaN]], [[-3]], [[1e7]]])('refuses lists of %j', at => {
    expect(() => new RankingMeter(at)).toThrow(OptionError)
    expect(() => new RankingMeter(at)).toThrow(/"at" must be one or more integers from 1/)
  })
})

describe('areaUnderCurve', () => {
  it('is the share of pairs in the right order, ties half', () => {
    // Positives 5, 3, 1 among negatives 4, 3, 3, 0.
    expect(areaUnderCurve(Uint32Array.of(0, 1, 3), Uint32Array.of(0, 2, 0), 4)).toBeCloseTo((4 + 2 + 1) / 12, 12)
    expect(areaUnderCurve(Uint32Array.of(0), Uint32Array.of(0), 7)).toBe(1)
    expect(areaUnderCurve(Uint32Array.of(7), Uint32Array.of(0), 7)).toBe(0)
    expect(areaUnderCurve(Uint32Array.of(0), Uint32Array.of(7), 7)).toBe(0.5)
  })

  it('is the area under the curve', () => {
    const scores = fc.array(fc.nat(6), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(scores, scores, (positives, negatives) => {
        const count = (wanted: (negative: number) => boolean) => negatives.filter(wanted).length
        const above = Uint32Array.from(positives, score => count(negative => negative > score))
        const equal = Uint32Array.from(positives, score => count(negative => negative === score))
        // The curve by thresholds from high to low, and the trapezoids below it.
        let area = 0
        let [x, y] = [0, 0]
        for (let threshold = 6; threshold >= 0; threshold--) {
          const rate = (list: readonly number[]) => list.filter(score => score >= threshold).length / list.length
          const [nextX, nextY] = [rate(negatives), rate(positives)]
          area += ((nextX - x) * (y + nextY)) / 2
          x = nextX
          y = nextY
        }
        expect(areaUnderCurve(above, equal, negatives.length)).toBeCloseTo(area, 12)
      }),
      { seed: 2, numRuns: 500 },
    )
  })
})
