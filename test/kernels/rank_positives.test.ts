import { describe, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { positivesSpan, rankPositives } from '../../src/kernels/rank_positives.ts'
import { workgroupSize } from '../../src/kernels/shared.ts'
import { shardStruct } from '../../src/kernels/structs.ts'
import { positiveScores } from '../reference/rank_positives.ts'
import { useGpu } from '../support/gpu.ts'
import { rankBuffers, tiles } from '../support/ranking.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { randomModel, ranks, scoreTolerance } from '../support/scoring.ts'
import { expectClose } from '../support/tolerance.ts'

const device = useGpu()
const spare = 7

async function check(factors: number, count: number) {
  const random = new Random(factors + count)
  const model = randomModel(random, { users: 9, items: 33, factors })
  const users = Array.from({ length: 70 }, () => random.below(9))
  const pairs = Array.from({ length: count }, () => [random.below(70), random.below(33)] as const)
  const problem = { model, users, masked: users.map(() => []), denied: new Set<number>(), tile: tiles[0]!, splits: 1 }
  const { staged, item_factors, item_bias, ranking } = rankBuffers(problem, {})
  const result = await runKernel(device.gpu, rankPositives, {
    workgroups: Math.ceil(count / workgroupSize),
    buffers: {
      staged,
      item_factors,
      item_bias,
      pairs: Uint32Array.from(pairs.flat()),
      scored: { words: count + spare },
      ranking,
      span: positivesSpan.pack({ pair_count: count }),
      shard: shardStruct.pack({ first: 0, rows: 33 }),
    },
  })
  expectPoison(result.words('scored').subarray(count))
  const scores = result.floats('scored').subarray(0, count)
  expectClose('scores', scores, positiveScores(model, users, pairs), at =>
    scoreTolerance(model, users[pairs[at]![0]]!, pairs[at]![1]),
  )
}

describe('rank_positives', () => {
  it.each(ranks)('scores pairs at rank %i', async factors => {
    await check(factors, 50)
  })

  it('scores the pairs whose item is in the shard, and leaves the others alone', async () => {
    const random = new Random(2)
    const model = randomModel(random, { users: 9, items: 33, factors: 4 })
    const users = Array.from({ length: 70 }, () => random.below(9))
    const pairs = Array.from({ length: 90 }, () => [random.below(70), random.below(33)] as const)
    const problem = { model, users, masked: users.map(() => []), denied: new Set<number>(), tile: tiles[0]!, splits: 1 }
    const { staged, item_factors, item_bias, ranking } = rankBuffers(problem, {})
    const shard = { first: 10, rows: 12 }
    const result = await runKernel(device.gpu, rankPositives, {
      workgroups: 2,
      buffers: {
        staged,
        item_factors: item_factors.slice(40, 88),
        item_bias: item_bias.slice(10, 22),
        pairs: Uint32Array.from(pairs.flat()),
        scored: { words: 90 },
        ranking,
        span: positivesSpan.pack({ pair_count: 90 }),
        shard: shardStruct.pack(shard),
      },
    })
    const expected = positiveScores(model, users, pairs)
    pairs.forEach(([slot, item], at) => {
      const within = scoreTolerance(model, users[slot]!, item)
      if (item < 10 || item >= 22) expectPoison(result.words('scored').subarray(at, at + 1))
      else expectClose('score', result.floats('scored').subarray(at, at + 1), [expected[at]!], () => within)
    })
  })

  it.each([1, 63, 64, 65, 200])('scores %i pairs', async count => {
    await check(5, count)
  })
})
