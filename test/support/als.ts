import type { Random } from '../../src/data/random.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { alsBlockStruct, alsOptionsStruct } from '../../src/kernels/structs.ts'
import { padRows } from '../../src/layout/padding.ts'
import { cutRows, packRowBlocks, type RowBlock, type RowEntries } from '../../src/layout/row-blocks.ts'
import type { ReferenceSide, ReferenceTarget, Unknowns } from '../reference/als.ts'
import { normals } from './scoring.ts'

/** Variants of a kernel whose slices own rows: ranks below, at and beside whole vec4s, every way to share a row. */
export const sliceVariants = [
  { factors: 1, lanes: 1, slices: 8, subgroups: false },
  { factors: 3, lanes: 4, slices: 2, subgroups: true },
  { factors: 17, lanes: 8, slices: 1, subgroups: true },
  { factors: 17, lanes: 4, slices: 4, subgroups: false },
  { factors: 32, lanes: 8, slices: 4, subgroups: true },
  { factors: 64, lanes: 8, slices: 1, subgroups: true },
  { factors: 128, lanes: 8, slices: 2, subgroups: false },
] as const

export type SliceCase = (typeof sliceVariants)[number]

export const passes = [
  { initial: true, implicit: false },
  { initial: true, implicit: true },
  { initial: false, implicit: false },
]

export const rowSlices = ({ factors, lanes, subgroups }: Omit<SliceCase, 'slices'>) => ({
  lanes,
  vecs: Math.ceil(factorBlocks(factors) / lanes),
  subgroups,
})

export interface AlsProblem {
  fixed: ReferenceSide
  entries: RowEntries
}

/** Rows of the given numbers of entries against a random fixed side. */
export function alsProblem(
  random: Random,
  factors: number,
  lengths: readonly number[],
  { fixedRows = 23, implicit = false, biases = true } = {},
): AlsProblem {
  const rows = lengths.flatMap((length, row) => new Array<number>(length).fill(row))
  const draw = (spread: number) => Float32Array.from(rows, () => Math.fround(0.2 + spread * random.uniform()))
  return {
    fixed: {
      factors,
      rows: normals(random, fixedRows * factors, factors ** -0.25),
      bias: biases ? normals(random, fixedRows, 0.5) : new Float32Array(fixedRows),
    },
    entries: {
      rows: Uint32Array.from(rows),
      columns: Uint32Array.from(rows, () => random.below(fixedRows)),
      counts: Uint32Array.from(lengths),
      weights: draw(3),
      targets: implicit ? draw(5) : normals(random, rows.length),
      penalties: Float32Array.from(lengths, () => Math.fround(0.5 + random.uniform())),
    },
  }
}

/** The one block that all rows go into. */
export function oneBlock(entries: RowEntries, segment: number, whole = false): RowBlock {
  const { cuts } = cutRows(entries.counts, { slots: 1e6, entries: 1e9 }, whole ? Number.POSITIVE_INFINITY : undefined)
  const blocks = packRowBlocks(entries, cuts, segment)
  if (blocks.length !== 1) throw new Error(`${blocks.length} blocks`)
  return blocks[0]!
}

/** The entries from `first` up to `end` of a block. */
export function targetsOf({ entries }: RowBlock, first: number, end: number): ReferenceTarget[] {
  const numbers = new Float32Array(entries.buffer, entries.byteOffset, entries.length)
  return Array.from({ length: end - first }, (_, at) => ({
    other: entries[3 * (first + at)]!,
    weight: numbers[3 * (first + at) + 1]!,
    target: numbers[3 * (first + at) + 2]!,
  }))
}

export const blockStruct = (block: RowBlock, pairStart = 0): ArrayBuffer =>
  alsBlockStruct.pack({ slots: block.slots, segments: block.segments.length / 4, pair_start: pairStart })

export interface AlsConstants {
  factors: number
  penalty?: number
  biasPenalty?: number
  unobserved?: number
  tolerance?: number
}

export const optionsStruct = ({ factors, penalty = 0, biasPenalty = 0, unobserved = 0, tolerance = 0 }: AlsConstants) =>
  alsOptionsStruct.pack({
    factors,
    factor_penalty: penalty,
    bias_penalty: biasPenalty,
    unobserved,
    tolerance,
    blocks: factorBlocks(factors),
  })

export const fixedBuffers = ({ factors, rows, bias }: ReferenceSide) => ({
  fixed_factors: padRows(Float32Array.from(rows), bias.length, factors),
  fixed_bias: Float32Array.from(bias),
})

/** Unknowns of the slots of a scratch table: k factors, padding, then a vec4 of what goes with them. */
export function slotTable(slots: readonly (Unknowns & { rest?: readonly number[] })[], factors: number) {
  const blocks = factorBlocks(factors)
  const table = new Float32Array(slots.length * 4 * (blocks + 1))
  slots.forEach((slot, index) => {
    table.set(slot.factors, index * 4 * (blocks + 1))
    table.set([slot.bias, ...(slot.rest ?? [0, 0, 0])], index * 4 * (blocks + 1) + 4 * blocks)
  })
  return table
}

/** The inverse of `slotTable`. */
export function readSlot(table: Float32Array, slot: number, factors: number): { factors: number[]; rest: number[] } {
  const blocks = factorBlocks(factors)
  const start = slot * 4 * (blocks + 1)
  return {
    factors: Array.from(table.subarray(start, start + factors)),
    rest: Array.from(table.subarray(start + 4 * blocks, start + 4 * blocks + 4)),
  }
}

export const randomUnknowns = (random: Random, factors: number): Unknowns => ({
  factors: Array.from(normals(random, factors, factors ** -0.25)),
  bias: Math.fround(0.5 * random.normal()),
})

export const absolute = (list: ArrayLike<number>): number[] => Array.from(list, Math.abs)

/** Variants of a kernel that holds a row's normal equations: every number of tiles an invocation may own. */
export const normalVariants = [
  { factors: 1, biases: true, implicit: false, tiles: { threads: 32, tiles: 1, rowBlocks: 3, chunk: 16 } },
  { factors: 4, biases: false, implicit: true, tiles: { threads: 32, tiles: 1, rowBlocks: 2, chunk: 8 } },
  { factors: 17, biases: true, implicit: false, tiles: { threads: 32, tiles: 1, rowBlocks: 7, chunk: 16 } },
  { factors: 32, biases: false, implicit: false, tiles: { threads: 32, tiles: 2, rowBlocks: 9, chunk: 16 } },
  { factors: 64, biases: false, implicit: true, tiles: { threads: 64, tiles: 3, rowBlocks: 17, chunk: 16 } },
  { factors: 128, biases: true, implicit: false, tiles: { threads: 256, tiles: 3, rowBlocks: 34, chunk: 16 } },
]

export type NormalCase = (typeof normalVariants)[number]

/** (row, column) of each tile of the lower triangle, in its order. */
export const tilePlaces = (rowBlocks: number): [row: number, column: number][] =>
  Array.from({ length: rowBlocks }, (_, row) =>
    Array.from({ length: row + 1 }, (_, column): [number, number] => [row, column]),
  ).flat()
