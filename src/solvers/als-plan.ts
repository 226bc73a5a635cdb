import type { Capabilities } from '../gpu/capabilities.ts'
import type { RowSlices } from '../kernels/als_apply.ts'
import type { NormalTiles } from '../kernels/als_normal.ts'
import { factorBlocks } from '../kernels/shared.ts'
import type { BlockBounds } from '../layout/row-blocks.ts'
import type { RowSolver } from './als-options.ts'

export interface AlsInput {
  factors: number
  biases: boolean
  rowSolver: RowSolver
  cgSteps: number
  cgTolerance: number
}

/** How alternating least squares cuts its work on a device. */
export interface AlsPlan {
  slices: RowSlices
  slicesPerWorkgroup: number
  bounds: BlockBounds
  /** Multiply-adds that a dispatch may take. */
  work: number
  /** Conjugate gradient's steps and its tolerance. */
  steps: number
  tolerance: number
  /** Set where rows are solved exactly. */
  exact: ExactPlan | undefined
}

export interface ExactPlan {
  tiles: NormalTiles
  /** Rows with more entries are the work of several workgroups. */
  heavy: number
}

/** Tiles of 4 x 4 that an invocation holds at most; more would not stay in registers. */
const mostTiles = 3

/** Bytes of workgroup memory that every device has. */
const workgroupBytes = 16_384

/** Bytes of one scratch table at most: small enough to stay in a large GPU's cache from one kernel to the next. */
const scratchBytes = 16 * 2 ** 20

/** Entries of a block at most: 48 MiB, of which two are a small part of any GPU's memory, and work enough for a large one. */
const blockEntries = 2 ** 22

/** Multiply-adds that a dispatch may take, so that the slowest stays far below what a watchdog allows (2 s). */
const dispatchWork = { hardware: 2e9, software: 1e8 }

/** Steps that make conjugate gradient as good as exact in single precision, where the exact solver has no room. */
const convergedSteps = 64
const convergedTolerance = 1e-9

/** Steps that lower an objective by a smaller share do no more than move rounding errors about. */
const leastTolerance = 1e-13

const powerOfTwoFrom = (number: number) => 2 ** Math.ceil(Math.log2(number))
const powerOfTwoTo = (number: number) => 2 ** Math.floor(Math.log2(Math.max(1, number)))

/** A pure function: the same options on the same adapter give the same cut, and the same bits. */
export function planAls(input: AlsInput, capabilities: Capabilities): AlsPlan {
  const { adapter, features, subgroupMinSize, limits } = capabilities
  const blocks = factorBlocks(input.factors)
  const width = features.subgroups ? Math.min(adapter.software ? 8 : 32, powerOfTwoTo(subgroupMinSize)) : 8
  const lanes = Math.min(width, powerOfTwoFrom(blocks), adapter.software && blocks < 16 ? 4 : 32)
  // On a CPU a workgroup is one vector; elsewhere a few subgroups.
  const invocations = adapter.software ? width : Math.min(128, powerOfTwoTo(limits.maxComputeInvocationsPerWorkgroup))
  const exact = input.rowSolver === 'exact' ? exactPlan(input, capabilities) : undefined
  const converged = input.rowSolver === 'exact' && exact === undefined
  const steps = converged ? convergedSteps : input.cgSteps
  const row = 16 * (blocks + 1)
  const work = adapter.software ? dispatchWork.software : dispatchWork.hardware
  const perEntry = exact === undefined ? 2 * input.factors : input.factors ** 2 / 2
  const perRow = exact === undefined ? input.factors ** 2 : input.factors ** 3 / 6
  return {
    slices: { lanes, vecs: Math.ceil(blocks / lanes), subgroups: features.subgroups && lanes > 1 },
    slicesPerWorkgroup: Math.max(1, invocations / lanes),
    bounds: {
      slots: Math.min(
        Math.max(64, Math.floor(Math.min(scratchBytes / row, work / perRow))),
        Math.max(1, Math.floor(limits.maxStorageBufferBindingSize / row)),
      ),
      entries: Math.floor(Math.min(limits.maxStorageBufferBindingSize / 12, work / perEntry, blockEntries)),
      segment: segmentLength(input, exact, adapter.software),
    },
    work,
    steps,
    tolerance: converged ? convergedTolerance : Math.max(leastTolerance, input.cgTolerance),
    exact,
  }
}

/**
 * Long enough that its sum costs little beside it, short enough that a heavy row does not hold up the others: on a GPU
 * hundreds of slices wait for its last one.
 */
function segmentLength({ factors }: AlsInput, exact: ExactPlan | undefined, software: boolean): number {
  if (exact !== undefined) return Math.max(1024, 4 * factors)
  return software ? 4096 : 256
}

/** Undefined where a row's normal equations do not fit the registers and the memory of a workgroup. */
function exactPlan({ factors, biases }: AlsInput, { limits }: Capabilities): ExactPlan | undefined {
  const rowBlocks = factorBlocks(factors) + Number(biases) + 1
  const count = (rowBlocks * (rowBlocks + 1)) / 2
  const threads = Math.max(32, Math.min(256, powerOfTwoFrom(Math.ceil(count / mostTiles))))
  const tiles = Math.ceil(count / threads)
  // The panel, the inverse, the diagonal and the solution; the rest is for staged entries.
  const fixed = rowBlocks * (64 + 16 + 16) + 64
  const chunk = Math.min(16, powerOfTwoTo((workgroupBytes - fixed) / (16 * rowBlocks)))
  if (tiles > mostTiles || threads > limits.maxComputeInvocationsPerWorkgroup) return undefined
  if (fixed + 16 * chunk * rowBlocks > Math.min(workgroupBytes, limits.maxComputeWorkgroupStorageSize)) return undefined
  return { tiles: { threads, tiles, rowBlocks, chunk }, heavy: 4 * Math.max(1024, 4 * factors) }
}
