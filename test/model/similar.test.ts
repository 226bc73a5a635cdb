import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { similarRows } from '../../src/model/similar.ts'

const all = { k: 100, allowed: () => true }

describe('similarRows', () => {
  it.each(['cosine', 'dot'] as const)('agrees with a full sort: %s', measure => {
    const random = new Random(4)
    const [rows, factors] = [50, 7]
    const table = Float32Array.from({ length: rows * factors }, () => random.normal())
    const row = (at: number) => [...table.subarray(at * factors, (at + 1) * factors)]
    const dot = (a: number, b: number) => row(a).reduce((sum, value, j) => sum + value * row(b)[j]!, 0)
    const norm = (a: number) => (measure === 'cosine' ? Math.hypot(...row(a)) : 1)
    const expected = Array.from({ length: rows }, (_, other) => ({
      row: other,
      similarity: dot(9, other) / (norm(9) * norm(other)),
    }))
      .filter(({ row: other }) => other !== 9 && other % 5 !== 0)
      .sort((a, b) => b.similarity - a.similarity)
    for (const k of [1, 6, 100]) {
      const best = similarRows(table, factors, 9, { k, measure, allowed: other => other % 5 !== 0 })
      expect(best.map(one => one.row)).toEqual(expected.slice(0, k).map(one => one.row))
      best.forEach(({ similarity }, at) => {
        expect(similarity).toBeCloseTo(expected[at]!.similarity, 12)
      })
    }
  })

  it('breaks ties by row', () => {
    const table = Float32Array.of(1, 0, 0, 1, 2, 0, 3, 0, 0, 5)
    expect(similarRows(table, 2, 0, { ...all, measure: 'cosine' }).map(({ row }) => row)).toEqual([2, 3, 1, 4])
  })

  it('has no angle to a row of zeros, and no list of angles for one', () => {
    const table = Float32Array.of(1, 1, 0, 0, -1, -1, 0, 0)
    expect(similarRows(table, 2, 0, { ...all, measure: 'cosine' })).toEqual([
      { row: 2, similarity: expect.closeTo(-1) },
    ])
    expect(similarRows(table, 2, 1, { ...all, measure: 'cosine' })).toEqual([])
    expect(similarRows(table, 2, 1, { ...all, measure: 'dot' }).map(({ row }) => row)).toEqual([0, 2, 3])
  })

  it('holds numbers whose squares single precision cannot', () => {
    const table = Float32Array.of(1e30, 1e30, 1e30, -1e-30, 1e30, 1e30)
    const [first] = similarRows(table, 2, 0, { ...all, measure: 'cosine' })
    expect(first).toEqual({ row: 2, similarity: expect.closeTo(1) })
  })
})
