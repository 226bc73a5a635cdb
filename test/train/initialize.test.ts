import { describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import type { HostThreads } from '../../src/layout/threads.ts'
import { drawParameters } from '../../src/train/draw-parameters.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import { parameterBits, turnThreads } from '../support/threads.ts'

/** Some of whose rows have no entries. */
function sparse(rows: number): Ratings {
  const random = new Random(rows)
  const length = 3 * rows
  const ids = new IdTable(Float64Array.from({ length: rows }, (_, id) => id))
  return new Ratings({
    users: Uint32Array.from({ length }, () => random.below(rows)),
    items: Uint32Array.from({ length }, () => random.below(rows)),
    values: new Float32Array(length),
    userIds: ids,
    itemIds: ids,
  })
}

describe('drawParameters', () => {
  const many = sparse(10_000)
  const options = { factors: 54, biases: true, initStd: 0.1, biasInitStd: 0.02, seed: 7 }

  const bitsOf = async (threads: HostThreads | undefined, ratings: Ratings) =>
    parameterBits(await drawParameters(threads, ratings, options))

  it('draws many on threads, to the same bits', async () => {
    // Of odd widths, pieces begin within a pair of numbers.
    for (const factors of [54, 155]) {
      const own = { ...options, factors }
      const expected = parameterBits(initialParameters(many, own))
      for (const failAt of [0, 1, 4]) {
        const threads = turnThreads(5, { failAt })
        expect(parameterBits(await drawParameters(threads, many, own))).toEqual(expected)
        const count = factors === 54 ? 1 : 2
        expect([threads.started, threads.ended]).toEqual([count, count])
      }
    }
  })

  it('draws tables alone that are to be drawn', async () => {
    for (const own of [
      { ...options, biases: false },
      { ...options, biasInitStd: 0 },
      { ...options, initStd: 0 },
    ]) {
      const drawn = await drawParameters(turnThreads(3), many, own)
      expect(parameterBits(drawn)).toEqual(parameterBits(initialParameters(many, own)))
      expect(drawn.userBias.some(bias => bias !== 0)).toBe(own.biases && own.biasInitStd > 0)
      expect(drawn.itemFactors.some(factor => factor !== 0)).toBe(own.initStd > 0)
    }
  })

  it('draws few itself, and where there is one thread, or none', async () => {
    for (const [threads, ratings] of [
      [turnThreads(2), sparse(9000)],
      [turnThreads(1), many],
    ] as const) {
      expect(await bitsOf(threads, ratings)).toEqual(parameterBits(initialParameters(ratings, options)))
      expect(threads.started).toBe(0)
    }
    expect(await bitsOf(undefined, many)).toEqual(parameterBits(initialParameters(many, options)))
  })
})
