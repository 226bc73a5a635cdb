import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { alsCholesky } from '../kernels/als_cholesky.ts'
import { alsNormal } from '../kernels/als_normal.ts'
import { alsPublish } from '../kernels/als_publish.ts'
import { factorBlocks, workgroupSize } from '../kernels/shared.ts'
import { type BlockEncoder, type BlockInput, packOptions, type Scratch, uploadBlock } from './als-blocks.ts'
import type { ExactPlan } from './als-plan.ts'

/** Normal equations and Cholesky's method. */
export async function cholesky(
  gpu: Gpu,
  buffers: BufferOwner,
  input: BlockInput,
  { directions, normalParts }: Scratch,
  { tiles }: ExactPlan,
): Promise<BlockEncoder> {
  const { label, solved, fixed, gram, sums } = input
  const implicit = gram !== undefined
  const blocksPerRow = factorBlocks(input.factors)
  const constants = { FACTOR_BLOCKS: blocksPerRow }
  const [normal, whole, split, publish] = await Promise.all([
    gpu.pipeline(alsNormal(tiles, implicit), constants),
    gpu.pipeline(alsCholesky(tiles, { implicit, split: false }), constants),
    gpu.pipeline(alsCholesky(tiles, { implicit, split: true }), constants),
    gpu.pipeline(alsPublish, { ...constants, BIASES: Number(input.biases) }),
  ])
  const options = buffers.uniform(`${label}-options`, packOptions(input))
  const fixedTables = { fixed_factors: fixed.factors, fixed_bias: fixed.bias }
  const publishGroup = publish.bind(0, { directions, solved_factors: solved.factors, solved_bias: solved.bias })
  return (block, { entries, pairStart }, given) => {
    const { rows, shape, parts } = uploadBlock(buffers, label, block, pairStart, given)
    const { slots } = block
    const segmentCount = block.segments.length / 4
    const solve = segmentCount > 0 ? split : whole
    const normalGroups = parts.map(({ segments, shape: ofPart, count, bring }) => {
      const bound = { ...fixedTables, entries, segments, normal_parts: normalParts, row_block: ofPart }
      return { group: normal.bind(0, bound), count, bring }
    })
    const solveGroup = solve.bind(0, {
      ...fixedTables,
      entries,
      gram_matrix: gram?.table.matrix ?? fixed.factors,
      rows,
      normal_parts: normalParts,
      directions,
      sums: sums.pairs,
    })
    const solveBlock = solve.bind(1, { options, row_block: shape })
    const publishBlock = publish.bind(1, { rows, row_block: shape })
    return [
      pass => {
        for (const { group, count, bring } of normalGroups) {
          bring?.(pass)
          normal.dispatch(pass, [group], count)
        }
        solve.dispatch(pass, [solveGroup, solveBlock], slots)
        const parts = slots * (blocksPerRow + 1)
        publish.dispatch(pass, [publishGroup, publishBlock], Math.ceil(parts / workgroupSize))
      },
    ]
  }
}
