import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

/** How a fused kernel's workgroup falls into slices, and what it may use. */
export interface SliceVariant {
  /** Invocations that share a row: a power of two. */
  lanes: number
  /** vec4s of a row that each of them holds. */
  vecs: number
  /** The slices of a workgroup share a tile, with barriers between sub-strata: see `TileShape`. */
  nested: boolean
  /** Sums by shuffles between the lanes; otherwise through workgroup memory. */
  subgroups: boolean
  /** The rows of four entries are read at once. */
  prefetch: boolean
  /** Factors are stored as halves. */
  f16: boolean
  /** A dispatch works on a part of a stratum, since a side's slots lie in several buffers. Default false. */
  sharded?: boolean
}

export const fusedStruct = scalarStruct('Fused', {
  workgroups: 'u32',
  strata: 'u32',
  held_rate: 'f32',
  streamed_rate: 'f32',
  bias_rate: 'f32',
  held_penalty: 'f32',
  streamed_penalty: 'f32',
  bias_penalty: 'f32',
  component: 'f32',
})

const groups = [
  {
    held_factors: 'read-write',
    streamed_factors: 'read-write',
    held_state: 'read-write',
    streamed_state: 'read-write',
    model: 'uniform',
    partials: 'read-write',
  },
  { entries: 'read', tiles: 'read', blocks: 'read', batch: 'batch', options: 'uniform' },
] as const

/** One stratum of entry-by-entry SGD: see `shaders/fused_sgd.wgsl`. */
export const fusedSgd = ({ lanes, vecs, nested, subgroups, prefetch, f16, sharded = false }: SliceVariant) =>
  defineKernel(
    'fused_sgd',
    groups,
    { nested, subgroups, prefetch, f16, sharded, single: vecs === 1 },
    { LANES: lanes, VECS: vecs },
  )
