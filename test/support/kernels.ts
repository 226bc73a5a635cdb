import type { Bindings, Kernel } from '../../src/gpu/kernel.ts'
import { alsApply } from '../../src/kernels/als_apply.ts'
import { alsCholesky } from '../../src/kernels/als_cholesky.ts'
import { alsNormal } from '../../src/kernels/als_normal.ts'
import { alsStep } from '../../src/kernels/als_step.ts'
import { bprItems } from '../../src/kernels/bpr_items.ts'
import { bprUsers } from '../../src/kernels/bpr_users.ts'
import { fusedSgd } from '../../src/kernels/fused_sgd.ts'
import { rankCounts } from '../../src/kernels/rank_counts.ts'
import { rankItems } from '../../src/kernels/rank_items.ts'
import { shuffleProbe } from '../../src/kernels/shuffle_probe.ts'

export const kernelModules = import.meta.glob<Record<string, unknown>>('../../src/kernels/*.ts', { eager: true })

type AnyKernel = Kernel<readonly Bindings[]>

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const isKernel = (value: unknown): value is AnyKernel => isObject(value) && 'conditions' in value

/** A kernel, or the kernels of a table of variants. */
const kernelsIn = (value: unknown): AnyKernel[] =>
  isKernel(value) ? [value] : isObject(value) ? Object.values(value).filter(isKernel) : []

const normalTiles = { threads: 32, tiles: 2, rowBlocks: 9, chunk: 16 }

/** Variants of the kernels whose sizes are chosen for a device: every condition on and off. */
const sized: AnyKernel[] = [
  fusedSgd({ lanes: 8, vecs: 1, nested: false, subgroups: true, prefetch: false, f16: false }),
  fusedSgd({ lanes: 4, vecs: 2, nested: true, subgroups: true, prefetch: true, f16: true }),
  fusedSgd({ lanes: 4, vecs: 1, nested: true, subgroups: false, prefetch: false, f16: true }),
  fusedSgd({ lanes: 1, vecs: 1, nested: false, subgroups: false, prefetch: true, f16: false }),
  fusedSgd({ lanes: 4, vecs: 1, nested: false, subgroups: true, prefetch: false, f16: true, sharded: true }),
  fusedSgd({ lanes: 2, vecs: 1, nested: true, subgroups: false, prefetch: true, f16: false, sharded: true }),
  shuffleProbe(4),
  ...[true, false].flatMap(staged => [
    bprUsers({ lanes: 8, vecs: 2, subgroups: true, prefetch: true }, staged),
    bprUsers({ lanes: 4, vecs: 1, subgroups: false, prefetch: false }, staged),
    bprItems({ lanes: 8, vecs: 2, subgroups: true, prefetch: true }, { users: staged, items: staged }),
    bprItems({ lanes: 4, vecs: 1, subgroups: false, prefetch: false }, { users: staged, items: !staged }),
  ]),
  rankItems({ users: 4, items: 8 }),
  rankCounts({ users: 4, items: 8 }),
  ...[alsApply, alsStep].flatMap(pass => [
    pass({ lanes: 8, vecs: 2, subgroups: true }, { initial: true, implicit: false }),
    pass({ lanes: 4, vecs: 1, subgroups: false }, { initial: true, implicit: true }),
    pass({ lanes: 1, vecs: 1, subgroups: false }, { initial: false, implicit: true }),
    pass({ lanes: 8, vecs: 1, subgroups: true }, { initial: false, implicit: false }),
  ]),
  ...[true, false].flatMap(implicit => [
    alsNormal(normalTiles, implicit),
    alsCholesky(normalTiles, { implicit, split: !implicit }),
    alsCholesky(normalTiles, { implicit, split: implicit }),
  ]),
]

/** All kernels, in all variants whose WGSL differs. */
export const allKernels: readonly AnyKernel[] = [
  ...Object.values(kernelModules).flatMap(module => Object.values(module).flatMap(kernelsIn)),
  ...sized,
]

export const kernelTitle = (kernel: AnyKernel): string =>
  [
    kernel.name,
    ...Object.entries({ ...kernel.conditions, ...kernel.sizes }).map(([name, value]) => `${name} ${value}`),
  ].join(', ')
