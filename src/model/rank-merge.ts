import { UNKNOWN } from '../data/ids.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Pipeline } from '../gpu/kernel.ts'
import { mergeLastLists, mergeLists, mergeStruct } from '../kernels/merge_lists.ts'
import { workgroupSize } from '../kernels/shared.ts'
import { windowBytes } from './rank-block.ts'
import { type ListMerge, listBytes, type RankedLists } from './rank-lists.ts'
import type { RankPlan } from './rank-plan.ts'

/** A stage of the sort that makes the lists of a query's splits one: see `shaders/merge_lists.wgsl`. */
export interface MergeStage {
  /** Entries of a query. */
  length: number
  /** Entries of a run of those. */
  run: number
  /** Runs that become one. */
  ways: number
}

/** Entries at first, then runs, that become one run at most: more take fewer stages, and more steps of an invocation. */
const mostWays = { entries: 32, runs: 8 }

/** The stages from lists of `k` to one. A pure function. */
export function planMerge(k: number, splits: number): MergeStage[] {
  const stages: MergeStage[] = []
  let length = k * splits
  let run = 1
  do {
    const ways = Math.min(Math.ceil(length / run), run === 1 ? mostWays.entries : mostWays.runs)
    stages.push({ length, run, ways })
    const span = run * ways
    run = Math.min(span, k)
    length = run * Math.floor(length / span) + Math.min(length % span, k)
  } while (length > run)
  return stages
}

/** Bytes of the buffers that lists go through on their way to one a query. */
export function mergeBytes(k: number, { queries, splits }: Pick<RankPlan, 'queries' | 'splits'>) {
  const stages = planMerge(k, splits)
  return {
    /** What the first stage leaves to a second: later ones leave less, here and in the lists' place by turns. */
    merged: 8 * queries * (stages[1]?.length ?? 0),
    ranked: rankedBytes(k, queries),
    windows: windowBytes * stages.length,
  }
}

const rankedBytes = (k: number, queries: number): number => 4 * queries * (2 * k + 1)

/** Merges on the GPU: only the one list of a query is read. */
export class GpuMerge implements ListMerge {
  readonly heaps: GPUBuffer
  readonly #gpu: Gpu
  readonly #k: number
  readonly #stages: readonly MergeStage[]
  readonly #pipelines: MergePipelines
  readonly #ranked: GPUBuffer
  /** From the lists' place to the other one, and back. */
  readonly #inner: readonly GPUBindGroup[]
  readonly #last: GPUBindGroup

  private constructor(
    gpu: Gpu,
    k: number,
    stages: readonly MergeStage[],
    { heaps, ranked, merged, ...common }: MergeBuffers,
    pipelines: MergePipelines,
  ) {
    this.#gpu = gpu
    this.#k = k
    this.#stages = stages
    this.#pipelines = pipelines
    this.heaps = heaps
    this.#ranked = ranked
    this.#inner = [
      { entries: heaps, merged },
      { entries: merged, merged: heaps },
    ].map(own => pipelines.inner.bind(0, { ...common, ...own }, windowBytes))
    const entries = this.#stages.length % 2 === 1 ? heaps : merged
    this.#last = pipelines.last.bind(0, { ...common, entries, ranked, heaps }, windowBytes)
  }

  /**
   * @param ranking the block's `Ranking`
   * @throws OutOfMemoryError for whatever buffer of the owner's
   */
  static async create(
    gpu: Gpu,
    buffers: BufferOwner,
    k: number,
    plan: RankPlan,
    ranking: GPUBuffer,
  ): Promise<GpuMerge> {
    const [inner, last] = [await gpu.pipeline(mergeLists), await gpu.pipeline(mergeLastLists)]
    const stages = planMerge(k, plan.splits)
    const bytes = mergeBytes(k, plan)
    const own = {
      ranking,
      merge: buffers.uniform('stages of the merge', packStages(stages)),
      heaps: buffers.storage('lists', listBytes(k, plan)),
      ranked: buffers.storage('best items', bytes.ranked),
      merged: buffers.storage('merged lists', bytes.merged),
    }
    await gpu.settle(buffers)
    return new GpuMerge(gpu, k, stages, own, { inner, last })
  }

  encode(pass: GPUComputePassEncoder, queries: number): void {
    const { inner, last } = this.#pipelines
    this.#stages.forEach(({ length }, stage) => {
      const workgroups = Math.ceil((length * queries) / workgroupSize)
      if (stage === this.#stages.length - 1) last.dispatch(pass, [this.#last], workgroups, windowBytes * stage)
      else inner.dispatch(pass, [this.#inner[stage % 2]!], workgroups, windowBytes * stage)
    })
  }

  async read(queries: number): Promise<RankedLists> {
    const bytes = await this.#gpu.read(this.#ranked, rankedBytes(this.#k, queries))
    return unpackRanked(bytes, queries, this.#k)
  }
}

type MergeBuffers = Record<'ranking' | 'merge' | 'heaps' | 'ranked' | 'merged', GPUBuffer>

interface MergePipelines {
  inner: Pipeline<typeof mergeLists.groups>
  last: Pipeline<typeof mergeLastLists.groups>
}

function packStages(stages: readonly MergeStage[]): ArrayBuffer {
  const bytes = new ArrayBuffer(windowBytes * stages.length)
  const view = new DataView(bytes)
  for (const [at, stage] of stages.entries()) mergeStruct.write(view, windowBytes * at, stage)
  return bytes
}

/** What `merge_lists` leaves in the end. */
function unpackRanked(bytes: ArrayBuffer, queries: number, k: number): RankedLists {
  const size = 4 * queries * k
  const items = new Uint32Array(bytes.slice(0, size))
  const failed = new Uint32Array(bytes, 2 * size)
  const counts = new Uint32Array(queries)
  for (let query = 0; query < queries; query++) {
    let count = k
    while (count > 0 && items[query * k + count - 1] === UNKNOWN) count--
    counts[query] = count
  }
  const query = failed.findIndex(word => word !== 0)
  return {
    items,
    scores: new Float32Array(bytes.slice(size, 2 * size)),
    counts,
    failure: query < 0 ? undefined : { query, item: failed[query]! - 1 },
  }
}
