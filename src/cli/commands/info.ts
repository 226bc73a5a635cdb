import { open, stat } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Ratings } from '../../data/ratings.ts'
import { rowCounts } from '../../data/row-counts.ts'
import type { ModelParts } from '../../model/parts.ts'
import { readModel } from '../../node/model-file.ts'
import { count, counted, facts, bytes as inBytes, percent, score, single } from '../format.ts'
import { modelKind } from '../model-file.ts'
import { addReadFlags, readInput } from '../read-flags.ts'
import { perform, type Run, type Session } from '../session.ts'
import { kebab } from '../train-flags.ts'

export function addInfo(program: Command, session: Session): void {
  const command = program
    .command('info')
    .argument('<file>', 'model file or ratings file')
    .description('what a model or a ratings file holds')
  addReadFlags(command)
  command.action(perform(session, info))
}

const info: Run = async (session, command) => {
  const file = command.args[0]!
  return (await isModel(file)) ? await modelInfo(session, file) : await ratingsInfo(session, command, file)
}

/** A safetensors file starts with the length of its header (eight bytes, little-endian, the last ones zero) and `{`. */
async function isModel(file: string): Promise<boolean> {
  const handle = await open(file).catch(() => undefined)
  if (handle === undefined) return false
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(9), 0, 9, 0)
    return bytesRead === 9 && buffer[6] === 0 && buffer[7] === 0 && buffer[8] === 0x7b
  } catch {
    return false
  } finally {
    await handle.close()
  }
}

async function modelInfo({ terminal }: Session, file: string): Promise<object> {
  const model = await readModel(file)
  const { size } = await stat(file)
  const {
    factors,
    link,
    mean,
    range,
    clip,
    seen,
    options,
    plan = {},
    userBias,
    itemBias,
    userIds,
    itemIds,
  } = model.parts
  const { userCount, itemCount } = model
  const biases = itemBias !== undefined
  const seenEntries = seen?.items.length ?? null
  terminal.say(
    facts([
      ['model', modelKind(model)],
      ['users', `${count(userCount)} (ids: ${userIds.kind})`],
      ['items', `${count(itemCount)} (ids: ${itemIds.kind})`],
      ['factors', `${factors}${!biases ? ', no biases' : userBias === undefined ? ' and item biases' : ' and biases'}`],
      ['prediction', modelKind(model) === 'explicit' ? predictionOf(model.parts) : `${link}; its order alone counts`],
      ['seen items', seenEntries === null ? 'none kept' : counted(seenEntries, 'entry')],
      ['file', inBytes(size)],
      ...Object.entries(options).map(([name, value]) => [`--${kebab(name)}`, String(value)] as const),
      ...Object.entries(plan).map(([name, value]) => [`plan: ${name}`, String(value)] as const),
    ]),
  )
  return {
    file,
    kind: 'model',
    model: modelKind(model),
    users: userCount,
    items: itemCount,
    factors,
    biases,
    link,
    mean,
    range,
    clip,
    ids: { users: userIds.kind, items: itemIds.kind },
    seen: seenEntries,
    bytes: size,
    options,
    plan,
  }
}

/** How a rating comes out of a score. */
function predictionOf({ link, mean, range, clip }: ModelParts): string {
  const bounds = `range ${single(range.min)} to ${single(range.max)}${clip ? ', clipped' : ''}`
  return `${link}, mean ${score(mean)}, ${bounds}`
}

async function ratingsInfo(session: Session, command: Command, file: string): Promise<object> {
  const { ratings, skipped, merged } = await readInput(session, command, file)
  const { length, userCount, itemCount, userIds, itemIds } = ratings
  const values = summary(ratings.values)
  const times = ratings.times === undefined ? null : summary(ratings.times)
  const heaviest = {
    user: heaviestRow(ratings, 'users'),
    item: heaviestRow(ratings, 'items'),
  }
  const density = length / (userCount * itemCount)
  session.terminal.say(
    facts([
      ['entries', count(length)],
      ['users', `${count(userCount)} (ids: ${userIds.kind})`],
      ['items', `${count(itemCount)} (ids: ${itemIds.kind})`],
      ['density', percent(density)],
      ['ratings', `${single(values.min)} to ${single(values.max)}, mean ${score(values.mean)}`],
      ['heaviest user', describeRow(heaviest.user)],
      ['heaviest item', describeRow(heaviest.item)],
      ['times', times === null ? 'none' : `${times.min} to ${times.max}`],
    ]),
  )
  return {
    file,
    kind: 'ratings',
    entries: length,
    users: userCount,
    items: itemCount,
    density,
    ids: { users: userIds.kind, items: itemIds.kind },
    ratings: values,
    heaviest,
    times: times === null ? null : { min: times.min, max: times.max },
    rows: { skipped, merged },
  }
}

interface HeaviestRow {
  id: number | string
  entries: number
  /** Of all entries. */
  share: number
}

/** The user or the item with the most entries. */
function heaviestRow(ratings: Ratings, side: 'users' | 'items'): HeaviestRow {
  const ids = side === 'users' ? ratings.userIds : ratings.itemIds
  const counts = rowCounts(ratings)[side]
  const row = counts.reduce((best, entries, index) => (entries > counts[best]! ? index : best), 0)
  return { id: ids.at(row), entries: counts[row]!, share: counts[row]! / ratings.length }
}

function describeRow({ id, entries, share }: HeaviestRow): string {
  return `${id}: ${counted(entries, 'entry')}, ${percent(share)} of all`
}

function summary(values: Float32Array | Float64Array): { min: number; max: number; mean: number } {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let sum = 0
  for (const value of values) {
    min = Math.min(min, value)
    max = Math.max(max, value)
    sum += value
  }
  return { min, max, mean: sum / values.length }
}
