import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { type AlsPass, alsApply } from '../kernels/als_apply.ts'
import { alsBegin } from '../kernels/als_begin.ts'
import { alsProduct, productColumns, productRows } from '../kernels/als_product.ts'
import { alsStep } from '../kernels/als_step.ts'
import { factorBlocks, workgroupSize } from '../kernels/shared.ts'
import {
  type BlockEncoder,
  type BlockInput,
  type Encode,
  packOptions,
  type Scratch,
  uploadBlock,
} from './als-blocks.ts'

/** Matrix-free conjugate gradient from where the rows are. */
export async function conjugateGradient(
  gpu: Gpu,
  buffers: BufferOwner,
  input: BlockInput,
  { directions, residuals, products, partials }: Scratch,
): Promise<BlockEncoder> {
  const { label, solved, fixed, gram, plan, sums } = input
  const blocksPerRow = factorBlocks(input.factors)
  const sized = { FACTOR_BLOCKS: blocksPerRow }
  const biased = { ...sized, BIASES: Number(input.biases) }
  const sliced = { SLICES: plan.slicesPerWorkgroup }
  const passes: AlsPass[] = [true, false].map(initial => ({ initial, implicit: gram !== undefined }))
  const [begin, product, ...kernels] = await Promise.all([
    gpu.pipeline(alsBegin, biased),
    gpu.pipeline(alsProduct, sized),
    ...passes.map(async pass => ({
      apply: await gpu.pipeline(alsApply(plan.slices, pass), { ...sized, ...sliced }),
      step: await gpu.pipeline(alsStep(plan.slices, pass), { ...biased, ...sliced }),
    })),
  ])
  const options = buffers.uniform(`${label}-options`, packOptions(input))
  const beginGroup = begin.bind(0, { solved_factors: solved.factors, solved_bias: solved.bias, directions })
  const productGroup = gram && product.bind(0, { directions, gram_matrix: gram.table.matrix, products, options })
  const groups = kernels.map(({ apply, step }) => ({
    apply: apply.bind(0, { fixed_factors: fixed.factors, fixed_bias: fixed.bias, directions, partials }),
    step: step.bind(0, {
      solved_factors: solved.factors,
      solved_bias: solved.bias,
      partials,
      products,
      directions,
      residuals,
      sums: sums.pairs,
      options,
    }),
  }))
  return (block, { entries, pairStart }, given) => {
    const { rows, shape, parts } = uploadBlock(buffers, label, block, pairStart, given)
    const { slots } = block
    const beginBlock = begin.bind(1, { rows, row_block: shape })
    const productBlock = product.bind(1, { row_block: shape })
    const workgroups = (count: number) => Math.ceil(count / plan.slicesPerWorkgroup)
    const multiply: Encode = pass => {
      if (productGroup === undefined) return
      const tiles = Math.ceil((4 * blocksPerRow) / productColumns)
      product.dispatch(pass, [productGroup, productBlock], Math.ceil(slots / productRows) * tiles)
    }
    const [start, step] = kernels.map(({ apply, step }, index): Encode => {
      const applyParts = parts.map(({ segments, shape: ofPart, count, bring }) => ({
        group: apply.bind(1, { entries, segments, row_block: ofPart }),
        count: workgroups(count),
        bring,
      }))
      const stepBlock = step.bind(1, { rows, row_block: shape })
      return pass => {
        multiply(pass)
        for (const { group, count, bring } of applyParts) {
          bring?.(pass)
          apply.dispatch(pass, [groups[index]!.apply, group], count)
        }
        step.dispatch(pass, [groups[index]!.step, stepBlock], workgroups(slots))
      }
    })
    const first: Encode = pass => {
      begin.dispatch(pass, [beginGroup, beginBlock], Math.ceil((slots * (blocksPerRow + 1)) / workgroupSize))
      start!(pass)
    }
    return [first, ...Array.from({ length: plan.steps }, () => step!)]
  }
}
