import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { factorBlocks } from '../kernels/shared.ts'
import type { RowBlock } from '../layout/row-blocks.ts'
import type { RowSpan } from '../layout/shards.ts'
import { listRowMoves, RowMover, type RowMoves } from '../model/row-moves.ts'
import type { SideTable } from '../model/side-table.ts'
import type { AlsSideInput, BlockEncoder, Encode, LocalRows, SideTables } from './als-blocks.ts'

/** A block by the rows of its own tables. */
interface LocalBlock {
  block: RowBlock
  local: LocalRows
}

/**
 * Where a side lies in several shards, a block is solved in tables of its own: its rows, and those of the fixed side that
 * its entries name, are brought there before, and its rows back after it. A heavy row's entries may name more rows than fit:
 * its segments are worked on in parts then. Numbers and their order are the same.
 */
export class BlockTables {
  readonly solved: SideTables
  readonly fixed: SideTables
  readonly #mover: RowMover
  readonly #sides: Pick<AlsSideInput, 'solved' | 'fixed'>

  private constructor(
    buffers: BufferOwner,
    { label, factors, solved, fixed }: AlsSideInput,
    locals: readonly LocalRows[],
    mover: RowMover,
  ) {
    const table = (what: string, rows: number): SideTables => ({
      factors: buffers.storage(`${label}-${what} of a block`, 16 * factorBlocks(factors) * rows),
      bias: buffers.storage(`${label}-${what} biases of a block`, 4 * rows),
    })
    this.solved = table(
      'solved',
      mostOf(locals, local => countOf(local.solved)),
    )
    this.fixed = table(
      'fixed',
      mostOf(
        locals.flatMap(({ parts }) => parts),
        part => countOf(part.fixed),
      ),
    )
    this.#mover = mover
    this.#sides = { solved, fixed }
  }

  static async create(
    gpu: Gpu,
    buffers: BufferOwner,
    input: AlsSideInput,
    locals: readonly LocalRows[],
  ): Promise<BlockTables> {
    const mover = await RowMover.create(gpu, buffers, `${input.label}-rows`, 'model', factorBlocks(input.factors))
    return new BlockTables(buffers, input, locals, mover)
  }

  /** The dispatches of a block, with its rows' ways before and after them. */
  encoder(encode: BlockEncoder, local: LocalRows): BlockEncoder {
    return (block, places) => {
      const moves = places.moves!
      const solved = this.#bind(this.#sides.solved, this.solved, local.solved, moves)
      const parts = local.parts.map(({ segments, fixed }) => {
        const { encodeGather } = this.#bind(this.#sides.fixed, this.fixed, fixed, moves)
        return { segments, bring: encodeGather }
      })
      const [only, ...more] = parts
      const dispatches = encode(block, places, more.length === 0 ? undefined : parts)
      const bring: Encode = pass => {
        solved.encodeGather(pass)
        // What all of the block's dispatches see is brought once.
        if (more.length === 0) only!.bring(pass)
      }
      return [bring, ...dispatches, pass => solved.encodeScatter(pass)]
    }
  }

  #bind(table: SideTable, own: SideTables, start: readonly number[], moves: GPUBuffer): RowMoves {
    const shards = table.shards.map(({ bias, ...shard }) => ({ ...shard, beside: bias }))
    return this.#mover.bind(shards, { factors: own.factors, beside: own.bias }, { start }, moves)
  }
}

/** Moves from the first to the end. */
const countOf = (start: readonly number[]) => start.at(-1)! - start[0]!

/**
 * A block by the rows of its own tables. Its entries are numbered anew where they lie.
 * @param sides the shards of the side that is solved and of the other
 * @param most rows of the fixed side that a part may name
 */
export function localBlock(
  block: RowBlock,
  sides: Record<'solved' | 'fixed', readonly RowSpan[]>,
  most: number,
): LocalBlock {
  const { rows, slots, entries, segments } = block
  const named = new Map<number, number>()
  const solved = listRowMoves(
    sides.solved,
    Uint32Array.from({ length: slots }, (_, slot) => rows[4 * slot]!),
  )
  const lists = [solved.moves]
  let listed = slots
  const parts: LocalRows['parts'] = []
  const close = (from: number, to: number) => {
    const { moves, start } = listRowMoves(sides.fixed, Uint32Array.from(named.keys()))
    const before = listed
    parts.push({ segments: segments.slice(4 * from, 4 * to), fixed: start.map(first => before + first) })
    lists.push(moves)
    listed += named.size
    named.clear()
  }
  const rename = (first: number, end: number) => {
    for (let at = first; at < end; at++) {
      const column = entries[3 * at]!
      if (!named.has(column)) named.set(column, named.size)
      entries[3 * at] = named.get(column)!
    }
  }
  const count = segments.length / 4
  if (count === 0) rename(0, entries.length / 3)
  let from = 0
  for (let segment = 0; segment < count; segment++) {
    const [first, end] = [segments[4 * segment]!, segments[4 * segment + 1]!]
    // Each of its entries may name another row.
    if (segment > from && named.size + end - first > most && named.size + fresh(block, first, end, named) > most) {
      close(from, segment)
      from = segment
    }
    rename(first, end)
  }
  close(from, count)
  return {
    local: { moves: joined(lists), solved: solved.start, parts },
    block: { ...block, rows: rows.map((word, at) => (at % 4 === 0 ? at / 4 : word)) },
  }
}

/** How many rows entries name that are not named yet. */
function fresh({ entries }: RowBlock, first: number, end: number, named: ReadonlyMap<number, number>): number {
  const columns = new Set<number>()
  for (let at = first; at < end; at++) if (!named.has(entries[3 * at]!)) columns.add(entries[3 * at]!)
  return columns.size
}

function joined(lists: readonly Uint32Array[]): Uint32Array<ArrayBuffer> {
  const whole = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const list of lists) {
    whole.set(list, at)
    at += list.length
  }
  return whole
}

function mostOf<T>(list: readonly T[], count: (one: T) => number): number {
  return list.reduce((most, one) => Math.max(most, count(one)), 0)
}
