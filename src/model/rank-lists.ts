import { UNKNOWN } from '../data/ids.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { RankPlan } from './rank-plan.ts'

/** What makes the lists of a query's splits one. */
export interface ListMerge {
  /** The lists that `rank_items` leaves. */
  readonly heaps: GPUBuffer
  /** What is to run after it, of so many queries. */
  encode(pass: GPUComputePassEncoder, queries: number): void
  read(queries: number): Promise<RankedLists>
}

/** The lists of a block of queries, as `rank_items` leaves them: slot by slot, lists side by side. */
export interface SplitLists {
  queries: number
  splits: number
  k: number
  /** (bits of the score, item) at 2 * (slot * splits * queries + split * queries + query). */
  heaps: Uint32Array
}

/** The lists of a query's splits made one, best first, ties by item. */
export interface MergedLists {
  /** queries x k; UNKNOWN past a query's count. */
  items: Uint32Array
  /** queries x k; -infinity past a query's count. */
  scores: Float32Array
  counts: Uint32Array
}

/** A query, and its first item in the lowest split with a score that is not a number. */
export interface RankFailure {
  query: number
  item: number
}

export interface RankedLists extends MergedLists {
  /** Of the first query that has one. */
  failure: RankFailure | undefined
}

/** Merges on the host. */
export class HostMerge implements ListMerge {
  readonly heaps: GPUBuffer
  readonly #gpu: Gpu
  readonly #k: number
  readonly #splits: number

  constructor(gpu: Gpu, buffers: BufferOwner, k: number, plan: Pick<RankPlan, 'queries' | 'splits'>) {
    this.#gpu = gpu
    this.#k = k
    this.#splits = plan.splits
    this.heaps = buffers.storage('lists', listBytes(k, plan))
  }

  encode(): void {}

  async read(queries: number): Promise<RankedLists> {
    const [k, splits] = [this.#k, this.#splits]
    const bytes = await this.#gpu.read(this.heaps, listBytes(k, { queries, splits }))
    const lists = { queries, splits, k, heaps: new Uint32Array(bytes) }
    return { ...mergeLists(lists), failure: findFailure(lists) }
  }
}

/** Bytes of the lists that `rank_items` leaves. */
export const listBytes = (k: number, { queries, splits }: Pick<RankPlan, 'queries' | 'splits'>): number =>
  8 * (k + 1) * queries * splits

/**
 * Sorts and merges lists: by score, ties by item. A pair (score, item) is sorted as one integer, of 64 bits, whose order
 * is that of the list.
 */
export function mergeLists({ queries, splits, k, heaps }: SplitLists): MergedLists {
  const items = new Uint32Array(queries * k).fill(UNKNOWN)
  const scoreKeys = new Uint32Array(queries * k).fill(keyOf(minusInfinity))
  const counts = new Uint32Array(queries)
  const lists = queries * splits
  const keys = new BigUint64Array(splits * k)
  const halves = new Uint32Array(keys.buffer)
  for (let query = 0; query < queries; query++) {
    let length = 0
    for (let split = 0; split < splits; split++) {
      for (let slot = 0; slot < k; slot++) {
        const at = 2 * (slot * lists + split * queries + query)
        const item = heaps[at + 1]!
        if (item === UNKNOWN) continue
        halves[2 * length] = item
        halves[2 * length + 1] = keyOf(heaps[at]!)
        length++
      }
    }
    keys.subarray(0, length).sort()
    const count = Math.min(k, length)
    for (let place = 0; place < count; place++) {
      items[query * k + place] = halves[2 * place]!
      scoreKeys[query * k + place] = halves[2 * place + 1]!
    }
    counts[query] = count
  }
  return { items, scores: new Float32Array(scoreKeys.map(bitsOf).buffer), counts }
}

/** Each query's first item, in the lowest split, with a score that is not a number. */
export function findFailure({ queries, splits, k, heaps }: SplitLists): RankFailure | undefined {
  const lists = queries * splits
  for (let query = 0; query < queries; query++) {
    for (let split = 0; split < splits; split++) {
      const failed = heaps[2 * (k * lists + split * queries + query) + 1]!
      if (failed !== 0) return { query, item: failed - 1 }
    }
  }
  return undefined
}

const signBit = 0x80000000
const minusInfinity = 0xff800000

/** Of the bits of a number: an integer that is the lower the greater the number; the two zeros have one. */
function keyOf(bits: number): number {
  if (bits === signBit) return signBit - 1
  return (bits & signBit) !== 0 ? bits : ~(bits | signBit) >>> 0
}

function bitsOf(key: number): number {
  return (key & signBit) !== 0 ? key : ~key & ~signBit
}
