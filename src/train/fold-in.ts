import { mergeDuplicates } from '../data/duplicates.ts'
import { IdTable, type RawId, UNKNOWN } from '../data/ids.ts'
import { Random } from '../data/random.ts'
import { Ratings } from '../data/ratings.ts'
import { mergeSeen, type SeenItems, seenItems } from '../data/seen.ts'
import { InputError, OptionError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Model } from '../model/model.ts'
import type { ModelParts } from '../model/parts.ts'
import type { Parameters } from '../model/tables.ts'
import { BprSolver } from '../solvers/bpr.ts'
import { type SolvedRows, solveRows } from '../solvers/solve-rows.ts'
import { implicitOptions, type ResolvedOptions, resolveOptions, unknownOption } from './options.ts'
import { appendIds, kindOf } from './warm-start.ts'

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
  /** Ids that the model knows already, and those none of whose entries name a row of the other side that it knows. */
  known: number
  left: number
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
  const { added } = fresh
  const rest = { added, known: fresh.known, left: fresh.left, entries: fresh.entries.length }
  if (added.length === 0) return { model: new Model(parts, gpu), ...rest }
  const settings = settingsOf(parts, options)
  // As the training took them: entries of one implicit cell are parts of its count or strength.
  const entries = settings.model === 'implicit' ? mergeDuplicates(fresh.entries, 'sum') : fresh.entries
  const rows =
    settings.model === 'bpr'
      ? await rankRows(gpu, parts, entries, side, settings, options)
      : await solveRows(gpu, parts, entries, side, {
          ...settings,
          implicit: implicitOptions(settings),
          signal: options.signal,
        })
  return { model: new Model(grownParts(parts, entries, side, rows), gpu), ...rest }
}

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
  const newIds =
    own.kind === 'integer' ? new IdTable(Float64Array.from(added as number[])) : new IdTable(added as string[])
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

/** The options of the model's training, with what the caller changes. */
function settingsOf(parts: ModelParts, { regularization, epochs, seed }: FoldInOptions): ResolvedOptions {
  let own: ResolvedOptions
  try {
    own = resolveOptions(parts.options)
  } catch (error) {
    throw new InputError(`the options of the model are not ones of a training: ${(error as Error).message}`)
  }
  const wanted = Object.entries({ regularization, epochs, seed }).filter(([, value]) => value !== undefined)
  const checked = resolveOptions(Object.fromEntries(wanted))
  const lambda = regularization === undefined ? undefined : checked.regularization
  return {
    ...own,
    ...(own.optimizer === 'adam' && own.solver === 'minibatch' ? decayAsPenalty(own, parts, lambda) : {}),
    ...(seed === undefined ? {} : { seed: checked.seed }),
    ...(lambda === undefined ? {} : { userRegularization: lambda, itemRegularization: lambda }),
    epochs: epochs === undefined ? Math.min(50, own.epochs) : checked.epochs,
  }
}

/**
 * Adam's weight decay works on the gradient of a batch's mean square, 2 / B sum e q: over an epoch of N entries as the
 * penalty N / 2 times as large beside the sum of squares. A model without its N entries needs another lambda.
 */
function decayAsPenalty(options: ResolvedOptions, { seen }: ModelParts, lambda: number | undefined) {
  if (seen === undefined && lambda === undefined) {
    throw new InputError(
      'the model keeps no training entries, whose number says what the weight decay of adam is as a penalty; give a regularization',
    )
  }
  if (seen === undefined) return { biasRegularization: lambda! }
  const half = seen.items.length / 2
  return {
    userRegularization: half * options.userRegularization,
    itemRegularization: half * options.itemRegularization,
    biasRegularization: half * options.biasRegularization,
  }
}

/** New rows of a model that ranks: some passes of one side alone. */
async function rankRows(
  gpu: Gpu,
  parts: ModelParts,
  entries: Ratings,
  side: 'users' | 'items',
  options: ResolvedOptions,
  { signal }: FoldInOptions,
): Promise<SolvedRows> {
  const ofUsers = side === 'users'
  // How popular an item is shows in the entries of the model's training alone.
  const negativePower = parts.seen === undefined ? 0 : (options.negativePower ?? 0)
  // New items are held against the others, and not drawn against what their users have; new users need but the items that
  // they are held against, and where all are alike no entries for that.
  const all = ofUsers && negativePower === 0 ? entries : withSeen(parts, entries, side)
  const count = ofUsers ? entries.userCount : entries.itemCount
  const before = (ofUsers ? all.userCount : all.itemCount) - count
  const rows = Uint32Array.from({ length: count }, (_, row) => before + row)
  const { factors } = parts
  const random = new Random(options.seed, 1)
  const drawn = Float32Array.from({ length: count * factors }, () => options.initStd * random.normal())
  const initial = (): Parameters => ({
    userFactors: ofUsers ? concat(parts.userFactors.subarray(0, before * factors), drawn) : parts.userFactors,
    itemFactors: ofUsers ? parts.itemFactors : concat(parts.itemFactors, drawn),
    userBias: new Float32Array(all.userCount),
    itemBias: concat(parts.itemBias ?? new Float32Array(parts.itemIds.size), new Float32Array(ofUsers ? 0 : count)),
  })
  const biases = parts.itemBias !== undefined
  const solver = await BprSolver.create(gpu, all, initial, {
    ...options,
    biases,
    factors,
    negativePower,
    only: side,
    rows,
  })
  try {
    for (let epoch = 0; epoch < options.epochs; epoch++) {
      const { squaredError } = await solver.runEpoch({ epoch, rateScale: 1, signal })
      if (!Number.isFinite(squaredError)) throw new InputError('fold-in diverged; try a larger regularization')
    }
    const { userFactors, itemFactors, userBias, itemBias } = await solver.tables.read(gpu)
    return ofUsers
      ? { factors: userFactors.slice(before * factors), bias: userBias.slice(before) }
      : { factors: itemFactors.slice(before * factors), bias: itemBias.slice(before) }
  } finally {
    solver.destroy()
  }
}

/** Entries of new rows behind those of the model's training. */
function withSeen({ seen, userIds, itemIds }: ModelParts, entries: Ratings, side: 'users' | 'items'): Ratings {
  const ofUsers = side === 'users'
  const before = seen?.items.length ?? 0
  const users = new Uint32Array(before + entries.length)
  const items = new Uint32Array(before + entries.length)
  for (let user = 0; user < (seen === undefined ? 0 : userIds.size); user++) {
    users.fill(user, seen!.offsets[user]!, seen!.offsets[user + 1]!)
  }
  if (seen !== undefined) items.set(seen.items)
  const behind = (rows: Uint32Array, known: IdTable, isNew: boolean) =>
    isNew ? rows.map(row => known.size + row) : rows
  users.set(behind(entries.users, userIds, ofUsers), before)
  items.set(behind(entries.items, itemIds, !ofUsers), before)
  const values = new Float32Array(users.length).fill(1)
  return new Ratings({
    users,
    items,
    values,
    userIds: ofUsers ? appendIds(userIds, entries.userIds) : userIds,
    itemIds: ofUsers ? itemIds : appendIds(itemIds, entries.itemIds),
  })
}

function grownParts(parts: ModelParts, entries: Ratings, side: 'users' | 'items', rows: SolvedRows): ModelParts {
  const grown =
    side === 'users'
      ? {
          userIds: appendIds(parts.userIds, entries.userIds),
          userFactors: concat(parts.userFactors, rows.factors),
          ...(parts.userBias === undefined ? {} : { userBias: concat(parts.userBias, rows.bias) }),
        }
      : {
          itemIds: appendIds(parts.itemIds, entries.itemIds),
          itemFactors: concat(parts.itemFactors, rows.factors),
          ...(parts.itemBias === undefined ? {} : { itemBias: concat(parts.itemBias, rows.bias) }),
        }
  return {
    ...parts,
    ...grown,
    ...(parts.seen === undefined ? {} : { seen: grownSeen(parts.seen, parts, entries, side) }),
  }
}

/** What the users have seen, with the new entries. */
function grownSeen(seen: SeenItems, parts: ModelParts, entries: Ratings, side: 'users' | 'items'): SeenItems {
  const own = seenItems(entries)
  if (side === 'users') {
    const before = seen.items.length
    const offsets = new Uint32Array(seen.offsets.length + own.offsets.length - 1)
    offsets.set(seen.offsets)
    offsets.set(
      own.offsets.subarray(1).map(offset => before + offset),
      seen.offsets.length,
    )
    const items = new Uint32Array(before + own.items.length)
    items.set(seen.items)
    items.set(own.items, before)
    return { offsets, items }
  }
  return mergeSeen(seen, { offsets: own.offsets, items: own.items.map(item => parts.itemIds.size + item) })
}

function concat(first: Float32Array, more: Float32Array): Float32Array {
  const all = new Float32Array(first.length + more.length)
  all.set(first)
  all.set(more, first.length)
  return all
}
