import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { writeBuffer } from '../gpu/write.ts'
import { rankCounts } from '../kernels/rank_counts.ts'
import { positivesSpan, rankPositives } from '../kernels/rank_positives.ts'
import { workgroupSize } from '../kernels/shared.ts'
import { queryStruct, shardStruct } from '../kernels/structs.ts'
import { type RangeDispatch, RankBlock, type RankCommon, windowBytes } from './rank-block.ts'
import {
  cutQueries,
  itemsAt,
  type Mask,
  mostMasked,
  mostOf,
  type PackedQueries,
  packQueries,
  type QueryBlock,
} from './rank-queries.ts'

/** Where positives stand among the items that they compete with: those neither positive nor seen nor denied. */
export interface PositiveRanks {
  /** Of each positive: how many of them have a higher score. */
  above: Uint32Array
  /** Of each positive: how many of them have the same score. */
  equal: Uint32Array
  /** Of each user: how many there are. */
  negatives: Uint32Array
}

export interface CountInput {
  common: RankCommon
  /** Dense indices. */
  users: Uint32Array
  /** Of the user at each place. */
  positives: Mask
  /** What no positive competes with, the positives among it. */
  masks: readonly Mask[]
  denied: Uint8Array | undefined
  signal: AbortSignal | undefined
  /** The error for a score that is not a number. */
  failureOf(user: number, item: number): Error
}

/** Scores of a block's queries that others are held against: each once, descending in a query's slice. */
interface Thresholds {
  /** queries + 1 */
  offsets: Uint32Array
  values: Float32Array<ArrayBuffer>
}

/** Counts, block by block, the items above each positive: scores the positives, sorts them, and lets all items pass. */
export async function countPositives(gpu: Gpu, buffers: BufferOwner, input: CountInput): Promise<PositiveRanks> {
  const { common, users, positives, masks } = input
  const { plan, tables } = common
  const ranks: PositiveRanks = {
    above: new Uint32Array(positives.items.length),
    equal: new Uint32Array(positives.items.length),
    negatives: new Uint32Array(users.length),
  }
  const blocks = cutQueries(users.length, plan.queries, masks, mostMasked(buffers))
  if (blocks.length === 0) return ranks
  const counter = await Counter.create(gpu, buffers, input, {
    positives: mostOf(blocks, block => positivesOf(positives, block).length),
    masked: mostOf(blocks, ({ masked }) => masked),
  })
  try {
    for (const block of blocks) {
      const packed = packQueries(users, block, masks, tables.shape.items)
      const scores = await counter.score(packed, block)
      const thresholds = thresholdsOf(scores, positives, block)
      const counts = await counter.count(packed, thresholds)
      const counted = { block, scores, thresholds, counts, positives, splits: plan.splits }
      const failed = findFailure(counted)
      if (failed !== undefined) throw input.failureOf(users[failed.place]!, failed.item)
      fillRanks(ranks, counted)
      countNegatives(ranks.negatives, block, packed, tables.shape.items, input.denied)
    }
    return ranks
  } finally {
    counter.destroy()
  }
}

/** The buffers that each block goes through, in turn. */
class Counter {
  readonly #gpu: Gpu
  readonly #input: CountInput
  readonly #block: RankBlock
  readonly #pairs: GPUBuffer
  readonly #scored: GPUBuffer
  readonly #span: GPUBuffer
  readonly #thresholds: GPUBuffer
  readonly #counts: GPUBuffer
  readonly #score: (pass: GPUComputePassEncoder, workgroups: number) => void
  readonly #count: RangeDispatch

  private constructor(
    gpu: Gpu,
    buffers: BufferOwner,
    input: CountInput,
    block: RankBlock,
    positives: number,
    pipelines: Awaited<ReturnType<typeof compile>>,
  ) {
    const { plan, tables } = input.common
    this.#gpu = gpu
    this.#input = input
    this.#block = block
    this.#pairs = buffers.storage('positives', 8 * positives)
    this.#scored = buffers.storage('scores of positives', 4 * positives)
    this.#span = buffers.uniform('positives span', new ArrayBuffer(positivesSpan.size))
    this.#thresholds = buffers.storage('thresholds', 4 * positives)
    this.#counts = buffers.storage('counts', 4 * plan.splits * (2 * positives + plan.queries))
    const { scoring, counting } = pipelines
    const scoreGroups = block.scoring.map((bindings, at) =>
      scoring.bind(0, {
        ...bindings,
        pairs: this.#pairs,
        scored: this.#scored,
        span: this.#span,
        shard: buffers.uniform('items of a shard', shardStruct.pack(tables.items.shards[at]!)),
      }),
    )
    const tiles = block.bindings.map(bindings => counting.bind(0, bindings, windowBytes))
    const counted = counting.bind(1, { thresholds: this.#thresholds, counts: this.#counts })
    this.#score = (pass, workgroups) => {
      for (const group of scoreGroups) scoring.dispatch(pass, [group], workgroups)
    }
    this.#count = (pass, workgroups, offset, shard) =>
      counting.dispatch(pass, [tiles[shard]!, counted], workgroups, offset)
  }

  /** @param most of any block */
  static async create(
    gpu: Gpu,
    buffers: BufferOwner,
    input: CountInput,
    most: { positives: number; masked: number },
  ): Promise<Counter> {
    const block = await RankBlock.create(gpu, buffers, input.common, most.masked)
    const counter = new Counter(gpu, buffers, input, block, most.positives, await compile(gpu, input.common))
    await gpu.settle(buffers)
    return counter
  }

  /** Loads a block's queries; the scores of its positives. */
  async score(packed: PackedQueries, block: QueryBlock): Promise<Float32Array> {
    const { positives, users, failureOf } = this.#input
    const pairs = pairsOf(positives, block)
    const count = pairs.length / 2
    const { queue } = this.#gpu.device
    writeBuffer(queue, this.#pairs, 0, pairs)
    writeBuffer(queue, this.#span, 0, positivesSpan.pack({ pair_count: count }))
    this.#block.load(packed, { k: 0, bins: 0 })
    await this.#gpu.checked('scores of positives', () => {
      const encoder = this.#gpu.device.createCommandEncoder({ label: 'scores of positives' })
      const pass = encoder.beginComputePass({ label: 'scores of positives' })
      this.#block.encodeStage(pass)
      this.#score(pass, Math.ceil(count / workgroupSize))
      pass.end()
      queue.submit([encoder.finish()])
    })
    const scores = new Float32Array(await this.#gpu.read(this.#scored, 4 * count))
    const failed = scores.findIndex(Number.isNaN)
    if (failed >= 0) throw failureOf(users[block.start + pairs[2 * failed]!]!, pairs[2 * failed + 1]!)
    return scores
  }

  /** The counts of each split's queries against their thresholds: see `shaders/rank_counts.wgsl`. */
  async count(packed: PackedQueries, { offsets, values }: Thresholds): Promise<Uint32Array> {
    const { common, signal } = this.#input
    const { device } = this.#gpu
    const width = queryStruct.size / 4
    const queries = offsets.length - 1
    for (let query = 0; query < queries; query++) {
      packed.queries[width * query + 3] = offsets[query]!
      packed.queries[width * query + 4] = offsets[query + 1]!
    }
    const bins = 2 * values.length + queries
    writeBuffer(device.queue, this.#thresholds, 0, values)
    this.#block.load(packed, { k: 0, bins })
    await this.#gpu.checked('counts', () => {
      const encoder = device.createCommandEncoder({ label: 'counts' })
      encoder.clearBuffer(this.#counts)
      device.queue.submit([encoder.finish()])
    })
    await this.#block.run({ dispatch: this.#count }, signal)
    return new Uint32Array(await this.#gpu.read(this.#counts, 4 * common.plan.splits * bins))
  }

  destroy(): void {
    this.#block.timer.destroy()
  }
}

async function compile(gpu: Gpu, { plan }: RankCommon) {
  return { scoring: await gpu.pipeline(rankPositives), counting: await gpu.pipeline(rankCounts(plan.tile)) }
}

function positivesOf({ offsets, items }: Mask, { start, end }: QueryBlock): Uint32Array {
  return items.subarray(offsets[start]!, offsets[end]!)
}

/** (slot, item) of each positive of a block. */
function pairsOf(positives: Mask, block: QueryBlock): Uint32Array<ArrayBuffer> {
  const pairs = new Uint32Array(2 * positivesOf(positives, block).length)
  let at = 0
  for (let place = block.start; place < block.end; place++) {
    for (const item of itemsAt(positives, place)) {
      pairs[at++] = place - block.start
      pairs[at++] = item
    }
  }
  return pairs
}

function thresholdsOf(scores: Float32Array, positives: Mask, { start, end }: QueryBlock): Thresholds {
  const first = positives.offsets[start]!
  const offsets = new Uint32Array(end - start + 1)
  const values = new Float32Array(scores.length)
  let length = 0
  for (let place = start; place < end; place++) {
    const sorted = scores.slice(positives.offsets[place]! - first, positives.offsets[place + 1]! - first).sort()
    const begin = length
    for (let at = sorted.length - 1; at >= 0; at--) {
      // Zeros of either sign are one threshold.
      if (length === begin || values[length - 1] !== sorted[at]) values[length++] = sorted[at]!
    }
    offsets[place - start + 1] = length
  }
  return { offsets, values: values.subarray(0, length) }
}

interface Counted {
  block: QueryBlock
  scores: Float32Array
  thresholds: Thresholds
  counts: Uint32Array
  positives: Mask
  splits: number
}

/** The first query, in the lowest split, that met an item whose score is not a number. */
function findFailure({ block, thresholds, counts, splits }: Counted): { place: number; item: number } | undefined {
  const bins = counts.length / splits
  for (let place = block.start; place < block.end; place++) {
    const query = place - block.start
    for (let split = 0; split < splits; split++) {
      const failed = counts[split * bins + 2 * thresholds.offsets[query + 1]! + query]!
      if (failed !== 0) return { place, item: failed - 1 }
    }
  }
  return undefined
}

/** Sums up what was counted between the thresholds: what is above each, what is equal to it. */
function fillRanks(ranks: PositiveRanks, { block, scores, thresholds, counts, positives, splits }: Counted): void {
  const { offsets, values } = thresholds
  const bins = counts.length / splits
  const countOf = (word: number) => {
    let sum = 0
    for (let split = 0; split < splits; split++) sum += counts[split * bins + word]!
    return sum
  }
  const first = positives.offsets[block.start]!
  for (let place = block.start; place < block.end; place++) {
    const query = place - block.start
    const word = 2 * offsets[query]! + query
    const standing = new Map<number, { above: number; equal: number }>()
    let above = 0
    for (let t = 0; t < offsets[query + 1]! - offsets[query]!; t++) {
      above += countOf(word + 2 * t)
      const equal = countOf(word + 2 * t + 1)
      standing.set(values[offsets[query]! + t]!, { above, equal })
      above += equal
    }
    for (let at = positives.offsets[place]!; at < positives.offsets[place + 1]!; at++) {
      const own = standing.get(scores[at - first]!)!
      ranks.above[at] = own.above
      ranks.equal[at] = own.equal
    }
  }
}

function countNegatives(
  negatives: Uint32Array,
  { start, end }: QueryBlock,
  { queries, masked }: PackedQueries,
  items: number,
  denied: Uint8Array | undefined,
): void {
  const allowed = denied === undefined ? items : denied.reduce((sum, value) => sum + Number(value === 0), 0)
  const width = queryStruct.size / 4
  for (let place = start; place < end; place++) {
    const at = width * (place - start)
    const own = masked.subarray(queries[at + 1], queries[at + 2])
    negatives[place] = allowed - own.reduce((sum, item) => sum + Number((denied?.[item] ?? 0) === 0), 0)
  }
}
