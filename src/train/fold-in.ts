import { mergeDuplicates } from '../data/duplicates.ts'
import { IdTable, type RawId, UNKNOWN } from '../data/ids.ts'
import { Ratings } from '../data/ratings.ts'
import { OptionError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Model } from '../model/model.ts'
import type { ModelParts } from '../model/parts.ts'
import { type SolvedRows, solveRows } from '../solvers/solve-rows.ts'
import { foldInSettings } from './fold-in-settings.ts'
import { grownParts } from './grow-parts.ts'
import { implicitOptions, unknownOption } from './options.ts'
import { rankRows } from './rank-rows.ts'
import { kindOf } from './warm-start.ts'

export interface FoldInOptions {
  /** Which side the new rows are on. Default users. */
  side?: 'users' | 'items' | undefined
  /** Lambda of the new rows' factors, instead of the model's own; where the model's biases have none, theirs too. */
  regularization?: number | undefined
  /** bpr: passes over the new entries. Default: as many as the model's training, 50 at most. */
  epochs?: number | undefined
  /** bpr: fixes the draws. Default: the model's. */
  seed?: number | undefined
  signal?: AbortSignal | undefined
}

export interface FoldIn {
  /** The model with the new rows behind its own, which are as they were. */
  model: Model
  /** Raw ids of the new rows, in their order. */
  added: RawId[]
  /** Ids that the model knows already. */
  known: number
  /** Ids that are not added: those none of whose entries name a row of the other side that it knows, and the unsolved. */
  left: number
  /** Raw ids of the rows whose equations have no finite solution. */
  unsolved: RawId[]
  /** Entries that were used; the others are of ids as above or name rows of the other side that the model does not know. */
  entries: number
}

/**
 * Factors for users (or items) that a model has not seen, from their entries and the other side's rows, which stay as they
 * are: explicit models by ridge regression, min sum (r - r_hat)^2 + lambda count^nu (|p|^2 + b^2), under the bounded link
 * by Gauss-Newton steps of it; implicit models by the row's weighted least squares over all cells; bpr by some passes of
 * its own updates. Many rows at once.
 * @throws InputError, OptionError, GPU errors
 */
export async function foldIn(gpu: Gpu, model: Model, ratings: Ratings, options: FoldInOptions = {}): Promise<FoldIn> {
  checkFoldIn(model, options)
  const { side = 'users' } = options
  const { parts } = model
  const fresh = newRows(parts, ratings, side)
  const rows = fresh.added.length === 0 ? noRows : await findRows(gpu, parts, fresh.entries, side, options)
  const { unsolved = [] } = rows
  const { added, entries } = withoutRows(fresh, side, unsolved)
  const solved = rowsBut(rows, unsolved)
  return {
    model: new Model(added.length === 0 ? parts : grownParts(parts, entries, side, solved), gpu),
    added,
    known: fresh.known,
    left: fresh.left + unsolved.length,
    unsolved: unsolved.map(row => fresh.added[row]!),
    entries: entries.length,
  }
}

/** Rows in their order; those without a finite solution are not numbers. */
type FoundRows = Pick<SolvedRows, 'factors' | 'bias'> & { unsolved?: readonly number[] }

const noRows: FoundRows = { factors: new Float32Array(0), bias: new Float32Array(0) }

async function findRows(
  gpu: Gpu,
  parts: ModelParts,
  fresh: Ratings,
  side: 'users' | 'items',
  options: FoldInOptions,
): Promise<FoundRows> {
  const settings = foldInSettings(parts, options)
  const { signal } = options
  if (settings.model === 'bpr') return await rankRows(gpu, parts, fresh, side, { ...settings, signal })
  const implicit = implicitOptions(settings)
  // As the training took them: entries of one implicit cell are parts of its count or strength.
  const entries = implicit === undefined ? fresh : mergeDuplicates(fresh, 'sum')
  return await solveRows(gpu, parts, entries, side, { ...settings, implicit, signal })
}

/** The rows that have a solution, and their entries, numbered by the rows that are left. */
function withoutRows({ added, entries }: NewRows, side: 'users' | 'items', rows: readonly number[]) {
  if (rows.length === 0) return { added, entries }
  const left = new Set(rows)
  const kept = added.filter((_, row) => !left.has(row))
  const ids = idTable(kept)
  const aligned = side === 'users' ? entries.alignTo(ids, entries.itemIds) : entries.alignTo(entries.userIds, ids)
  const places = aligned[side].map((_, e) => e).filter(e => aligned[side][e] !== UNKNOWN)
  return { added: kept, entries: aligned.select(places) }
}

function rowsBut({ factors, bias }: FoundRows, rows: readonly number[]): FoundRows {
  if (rows.length === 0) return { factors, bias }
  const left = new Set(rows)
  const k = factors.length / bias.length
  return {
    factors: factors.filter((_, at) => !left.has(Math.floor(at / k))),
    bias: bias.filter((_, row) => !left.has(row)),
  }
}

const idTable = (ids: readonly RawId[]) =>
  new IdTable(ids.every(id => typeof id === 'number') ? Float64Array.from(ids as number[]) : (ids as string[]))

const foldInOptions = ['side', 'regularization', 'epochs', 'seed', 'signal'] as const satisfies (keyof FoldInOptions)[]

/**
 * Checks what needs no entries.
 * @throws OptionError for an unknown option, for one that is none of the model's kind, and for a side that there is not
 */
export function checkFoldIn(model: Model, options: FoldInOptions): void {
  for (const name of Object.keys(options)) {
    if (!foldInOptions.some(known => known === name)) throw unknownOption(name, foldInOptions)
  }
  const { side = 'users' } = options
  if (side !== 'users' && side !== 'items') {
    throw new OptionError('side', `"side" must be users or items, not ${JSON.stringify(side)}`)
  }
  // The rows of other models have a solution that needs neither.
  const kind = kindOf(model)
  for (const name of ['epochs', 'seed'] as const) {
    if (kind === 'bpr' || options[name] === undefined) continue
    throw new OptionError(name, `"${name}" goes with models of the kind bpr only, not with ${kind}`)
  }
}

interface NewRows {
  added: RawId[]
  known: number
  left: number
  /** Entries of the new rows, numbered from 0 in the order of `added`, against all rows of the other side. */
  entries: Ratings
}

function newRows(parts: ModelParts, ratings: Ratings, side: 'users' | 'items'): NewRows {
  const ofUsers = side === 'users'
  const own = ofUsers ? ratings.userIds : ratings.itemIds
  const [ownIds, otherIds] = ofUsers ? [parts.userIds, parts.itemIds] : [parts.itemIds, parts.userIds]
  const isNew = Uint8Array.from({ length: own.size }, (_, row) => Number(ownIds.indexOf(own.at(row)) === UNKNOWN))
  const aligned = ratings.alignTo(ofUsers ? own : parts.userIds, ofUsers ? parts.itemIds : own)
  const [rows, others] = ofUsers ? [aligned.users, aligned.items] : [aligned.items, aligned.users]
  const place = new Uint32Array(own.size).fill(UNKNOWN)
  const added: RawId[] = []
  const used: number[] = []
  rows.forEach((row, e) => {
    if (row === UNKNOWN || isNew[row] === 0 || others[e] === UNKNOWN) return
    used.push(e)
    if (place[row] !== UNKNOWN) return
    place[row] = added.length
    added.push(own.at(row))
  })
  const newIds = idTable(added)
  const ownRows = Uint32Array.from(used, e => place[rows[e]!]!)
  const otherRows = Uint32Array.from(used, e => others[e]!)
  const entries = new Ratings({
    users: ofUsers ? ownRows : otherRows,
    items: ofUsers ? otherRows : ownRows,
    values: Float32Array.from(used, e => ratings.values[e]!),
    userIds: ofUsers ? newIds : otherIds,
    itemIds: ofUsers ? otherIds : newIds,
  })
  const fresh = isNew.reduce((sum, one) => sum + one, 0)
  return { added, known: own.size - fresh, left: fresh - added.length, entries }
}
