import { factorBlocks } from '../kernels/shared.ts'
import type { AlsOptions } from './als-options.ts'
import type { AlsPlan } from './als-plan.ts'

export interface AlsCostInput {
  /** Rows with entries on the side that is solved, and rows of the fixed side. */
  rows: number
  fixedRows: number
  entries: number
  options: Pick<AlsOptions, 'factors' | 'biases' | 'implicit'>
  plan: AlsPlan
}

/**
 * What half an iteration must do at least: bytes that the kernels ask memory for (each read of a row of factors counted,
 * though a cache may serve it), and multiply-adds.
 */
export function alsCost({ rows, fixedRows, entries, options, plan }: AlsCostInput): {
  bytes: number
  operations: number
} {
  const k = 4 * factorBlocks(options.factors)
  const row = 4 * k
  const implicit = options.implicit !== undefined
  const gram = implicit ? { bytes: row * fixedRows, operations: fixedRows * k * k } : { bytes: 0, operations: 0 }
  if (plan.exact !== undefined) {
    const unknowns = k + Number(options.biases)
    return {
      bytes: gram.bytes + entries * (row + 12) + rows * 3 * row,
      operations: gram.operations + (entries * unknowns ** 2) / 2 + (rows * unknowns ** 3) / 6,
    }
  }
  const passes = plan.steps + 1
  return {
    // A row's own vectors: read and written as `als_apply`, `als_product` and `als_step` say.
    bytes: gram.bytes + passes * (entries * (row + 12) + rows * row * (implicit ? 9 : 7)),
    operations: gram.operations + passes * (entries * 2 * k + (implicit ? rows * k * k : 0)),
  }
}
