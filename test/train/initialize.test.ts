import { describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import type { HostThreads } from '../../src/layout/threads.ts'
import { drawParameters, initialParameters } from '../../src/train/initialize.ts'
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

  it('draws many on a thread, to the same bits', async () => {
    const expected = parameterBits(initialParameters(many, options))
    for (const failAt of [0, 1]) {
      const threads = turnThreads(2, { failAt })
      expect(await bitsOf(threads, many)).toEqual(expected)
      expect([threads.started, threads.ended]).toEqual([1, 1])
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
