import type { IdTable } from '../data/ids.ts'
import { Random } from '../data/random.ts'
import { Ratings } from '../data/ratings.ts'
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { ModelParts } from '../model/parts.ts'
import type { Parameters } from '../model/tables.ts'
import { BprSolver } from '../solvers/bpr.ts'
import { concat } from './grow-parts.ts'
import type { ResolvedOptions } from './options.ts'
import { appendIds } from './warm-start.ts'

/**
 * New rows of a model that ranks: some passes of one side alone.
 * @param entries of new rows, numbered from 0, against all rows of the other side
 * @throws InputError where the passes diverge; GPU errors
 */
export async function rankRows(
  gpu: Gpu,
  parts: ModelParts,
  entries: Ratings,
  side: 'users' | 'items',
  options: ResolvedOptions & { signal?: AbortSignal | undefined },
): Promise<{ factors: Float32Array; bias: Float32Array }> {
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
      const { squaredError } = await solver.runEpoch({ epoch, rateScale: 1, signal: options.signal })
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
