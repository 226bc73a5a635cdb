import { describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { OutOfMemoryError } from '../../src/errors.ts'
import { rankingStruct } from '../../src/kernels/structs.ts'
import { BufferPlan } from '../../src/model/buffer-plan.ts'
import { HostMerge, type ListMerge } from '../../src/model/rank-lists.ts'
import { GpuMerge, planMerge } from '../../src/model/rank-merge.ts'
import { planRanking } from '../../src/model/rank-plan.ts'
import { Ranker } from '../../src/model/ranker.ts'
import { planRanker } from '../../src/model/ranker-memory.ts'
import { FactorTables } from '../../src/model/tables.ts'
import { onOwnGpu, useGpu, watchErrors } from '../support/gpu.ts'
import { withMemory } from '../support/gpu-memory.ts'

const device = useGpu()

const shapes = [
  [1, 1],
  [1, 600],
  [7, 1],
  [20, 8],
  [32, 1],
  [33, 1],
  [40, 3],
  [20, 512],
  [1000, 1],
  [1000, 16],
  [9000, 2],
] as const

describe('planMerge', () => {
  it.each(shapes)('goes from lists of %i in %i splits to one, in bounded steps', (k, splits) => {
    const stages = planMerge(k, splits)
    let [length, run] = [k * splits, 1]
    for (const [at, stage] of stages.entries()) {
      expect(stage).toMatchObject({ length, run })
      expect(stage.ways).toBeLessThanOrEqual(run === 1 ? 32 : 8)
      if (stages.length > 1) expect(stage.ways).toBeGreaterThan(1)
      let left = 0
      for (let start = 0; start < length; start += run * stage.ways) {
        left += Math.min(k, run * stage.ways, length - start)
      }
      run = Math.min(k, run * stage.ways)
      length = left
      // Later stages go back to where there is room for what the one before the last took.
      expect(length).toBeLessThanOrEqual(stages[Math.max(0, at - 1)]!.length)
    }
    expect(length).toBe(k)
    expect(run).toBe(k)
  })
})

/** Lists as `rank_items` may leave them: every item of a query once, some slots empty. */
function randomLists(
  random: Random,
  k: number,
  splits: number,
  queries: number,
  failing: boolean,
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(2 * (k + 1) * splits * queries)
  const scores = new Float32Array(words.buffer)
  const odd = [0, -0, 2 ** -149, -(2 ** -149), Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let query = 0; query < queries; query++) {
    const full = query % 3 === 0 ? 1 : random.uniform()
    for (const [place, item] of random.permutation(k * splits).entries()) {
      const at = 2 * (place * queries + query)
      const there = random.uniform() < full
      const score = random.uniform() < 0.7 ? random.uniform() - 0.5 : odd[random.below(odd.length)]!
      scores[at] = there ? score : Number.NEGATIVE_INFINITY
      words[at + 1] = there ? item : UNKNOWN
    }
    for (let split = 0; split < splits; split++) {
      const failed = failing && random.uniform() < 0.2 ? 1 + random.below(99) : 0
      words[2 * ((k * splits + split) * queries + query) + 1] = failed
    }
  }
  return words
}

async function mergedBy(merge: ListMerge, lists: Uint32Array<ArrayBuffer>, queries: number) {
  const { gpu } = device
  gpu.device.queue.writeBuffer(merge.heaps, 0, lists)
  const encoder = gpu.device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  merge.encode(pass, queries)
  pass.end()
  gpu.device.queue.submit([encoder.finish()])
  const { items, scores, counts, failure } = await merge.read(queries)
  return { tables: { items, scores: new Uint32Array(scores.buffer), counts }, failure }
}

describe('GpuMerge', () => {
  it.each(shapes)('leaves what the host makes of lists of %i in %i splits, bit for bit', async (k, splits) => {
    const { gpu } = device
    const random = new Random(k + splits)
    const queries = Math.max(2, Math.min(70, Math.floor(20_000 / (k * splits))))
    const buffers = gpu.buffers()
    try {
      const ranking = rankingStruct.pack({ queries, groups: 0, splits, stride: 0, blocks: 0, k, bins: 0, mean: 0 })
      // Room for more queries than there are.
      const plan = { tile: { users: 1, items: 8 }, queries: queries + 3, splits, range: 8, merge: 'gpu' as const }
      const merge = await GpuMerge.create(gpu, buffers, k, plan, buffers.uniform('ranking', ranking))
      const host = new HostMerge(gpu, buffers, k, plan)
      for (const failing of [false, true]) {
        const lists = randomLists(random, k, splits, queries, failing)
        const expected = await mergedBy(host, lists, queries)
        const { tables, failure } = await mergedBy(merge, lists, queries)
        for (const name of ['items', 'scores', 'counts'] as const) {
          const other = tables[name].findIndex((word, at) => word !== expected.tables[name][at])
          expect(other, `first of the ${name} that is another`).toBe(-1)
          expect(tables[name]).toHaveLength(expected.tables[name].length)
        }
        expect(failure).toEqual(expected.failure)
        if (!failing) expect(expected.failure).toBeUndefined()
        else if (queries * splits > 30) expect(expected.failure).toBeDefined()
      }
    } finally {
      buffers.destroy()
    }
  })
})

describe('planRanker', () => {
  const shape = { users: 90, items: 700, factors: 6 }

  it.each([
    [true, 10],
    [false, 10],
    [false, 60],
    [false, 700],
  ])('counts what a ranking holds, software %s, the best %i', async (software, k) => {
    const { gpu } = device
    const owner = gpu.buffers()
    try {
      const tables = new FactorTables(owner, shape)
      const ids = { userIds: IdTable.range(shape.users), itemIds: IdTable.range(shape.items) }
      const ranker = new Ranker(gpu, tables, { mean: 0, ...ids })
      const users = Uint32Array.from({ length: shape.users }, (_, user) => user)
      const seen = { offsets: new Uint32Array(shape.users + 1), items: new Uint32Array(0) }
      const capabilities = { ...gpu.capabilities, adapter: { ...gpu.capabilities.adapter, software } }
      const size = { queries: shape.users, items: shape.items, factors: shape.factors, listWords: 2 * (k + 1) }
      const chosen = planRanking(size, capabilities)
      const holding = async () => {
        const before = gpu.liveBytes
        for await (const _ of ranker.rank(users, { k, seen }, chosen)) return gpu.liveBytes - before
        return undefined
      }
      await holding() // makes the staging buffers that stay
      const plan = new BufferPlan(capabilities.limits)
      const asked = {
        ...shape,
        users,
        seen,
        k,
        itemShards: tables.items.shards,
        userShards: tables.users.shards.length,
      }
      planRanker(plan, asked, capabilities)
      expect(await holding()).toBe(plan.bytes.validation)
    } finally {
      owner.destroy()
    }
  })
})

describe('a GPU that is out of memory', () => {
  it.each([true, false])(
    'fails a ranking with that alone, whichever buffer has no room: software %s',
    async software => {
      await onOwnGpu(async gpu => {
        const shape = { users: 90, items: 700, factors: 6 }
        const tables = new FactorTables(gpu.buffers(), shape)
        const ids = { userIds: IdTable.range(shape.users), itemIds: IdTable.range(shape.items) }
        const ranker = new Ranker(gpu, tables, { mean: 0, ...ids })
        const users = Uint32Array.from({ length: shape.users }, (_, user) => user)
        const k = 60
        const size = { queries: shape.users, items: shape.items, factors: shape.factors, listWords: 2 * (k + 1) }
        const adapter = { ...gpu.capabilities.adapter, software }
        const chosen = planRanking(size, { ...gpu.capabilities, adapter })
        const rank = (most: number) =>
          withMemory(gpu, most, async watched => {
            for await (const _ of ranker.rank(users, { k }, chosen));
            return watched.ownPeak
          })
        const whole = await rank(Number.POSITIVE_INFINITY)
        const errors = watchErrors(gpu.device)
        for (let share = 0; share < 1; share += 1 / 64) {
          await expect(rank(share * whole)).rejects.toThrow(OutOfMemoryError)
          await gpu.idle()
          expect(errors.take()).toEqual([])
        }
        expect(await rank(whole)).toBe(whole)
        errors.stop()
      })
    },
  )
})
