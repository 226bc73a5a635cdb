import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { stageQueries } from '../../src/kernels/stage_queries.ts'
import { shardStruct } from '../../src/kernels/structs.ts'
import { padRows } from '../../src/layout/padding.ts'
import { useGpu } from '../support/gpu.ts'
import { packMasks, packRanking, packStaged, slotsOf, tiles } from '../support/ranking.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { modelBuffers, randomModel, ranks } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const spare = 9

async function check(factors: number, queries: number, tile = tiles[1]!) {
  const random = new Random(factors + queries)
  const model = randomModel(random, { users: 31, items: 3, factors })
  const users = Array.from({ length: queries }, () => random.below(31))
  const problem = { model, users, masked: users.map(() => []), denied: new Set<number>(), tile, splits: 1 }
  const { user_factors, user_bias } = modelBuffers(model)
  const blocks = factorBlocks(factors)
  const slots = slotsOf(queries, tile)
  const words = 4 * (blocks + 1) * slots
  const result = await runKernel(device.gpu, stageQueries, {
    workgroups: ((blocks + 1) * slots) / workgroupSize,
    buffers: {
      queries: packMasks(problem).queries,
      user_factors,
      user_bias,
      staged: { words: words + spare },
      ranking: packRanking(problem),
      shard: shardStruct.pack({ first: 0, rows: 31 }),
    },
  })
  expectPoison(result.words('staged').subarray(words))
  const staged = result.floats('staged').subarray(0, words)
  const expected = packStaged(problem).map((value, at) => (Math.floor(at / 4) % slots < queries ? value : 0))
  // Only mu + b_u is worked out.
  const base = 4 * blocks * slots
  expect(staged.subarray(0, base)).toEqual(expected.subarray(0, base))
  expectClose('mu + b_u', staged.subarray(base), expected.subarray(base), () => tolerance(1, 6))
}

describe('stage_queries', () => {
  it.each(ranks)('turns the rows of users at rank %i', async factors => {
    await check(factors, 40)
  })

  it('stages the users of a shard, and leaves the slots of others alone', async () => {
    const random = new Random(4)
    const model = randomModel(random, { users: 31, items: 3, factors: 5 })
    const users = Array.from({ length: 60 }, () => random.below(31))
    const problem = { model, users, masked: users.map(() => []), denied: new Set<number>(), tile: tiles[0]!, splits: 1 }
    const shard = { first: 9, rows: 13 }
    const rows = padRows(Float32Array.from(model.userFactors), 31, 5)
    const slots = slotsOf(60, tiles[0]!)
    const result = await runKernel(device.gpu, stageQueries, {
      workgroups: (3 * slots) / workgroupSize,
      buffers: {
        queries: packMasks(problem).queries,
        user_factors: rows.slice(8 * shard.first, 8 * (shard.first + shard.rows)),
        user_bias: Float32Array.from(model.userBias).slice(shard.first, shard.first + shard.rows),
        staged: { words: 12 * slots },
        ranking: packRanking(problem),
        shard: shardStruct.pack(shard),
      },
    })
    const expected = packStaged(problem)
    for (let slot = 0; slot < slots; slot++) {
      const own = [0, 1].flatMap(block => [0, 1, 2, 3].map(part => 4 * (block * slots + slot) + part))
      const user = users[slot]
      const bits = own.map(at => result.words('staged')[at]!)
      if (user === undefined) expect(bits).toEqual(own.map(() => 0))
      else if (user < 9 || user >= 22) expectPoison(Uint32Array.from(bits))
      else expect(own.map(at => result.floats('staged')[at])).toEqual(own.map(at => expected[at]))
    }
  })

  it.each([1, 63, 64, 65, 256, 257])('leaves slots without a query zero, %i queries', async queries => {
    for (const tile of tiles) await check(17, queries, tile)
  })
})
