import { type Model, type RawId, UNKNOWN } from '../../src/index.ts'
import type { Catalog } from './catalog.ts'
import type { DataAtHand } from './data.ts'
import { absent } from './faults.ts'
import type { Rated, Recommended, UserPage } from './messages.ts'

/** Items of a user that are shown. */
const mostRated = 50

/** Users with fewer entries say little. */
const fewEntries = 5

/** What a user has and what the model recommends. @throws Refusal for a user that the model does not know */
export async function userPage(
  model: Model,
  catalog: Catalog,
  data: DataAtHand | undefined,
  { user, k }: { user: string; k: number },
): Promise<UserPage> {
  const { userIds } = model.parts
  const row = userIds.indexOf(user.trim())
  if (row === UNKNOWN) throw absent(`The model does not know a user ${JSON.stringify(user.trim().slice(0, 100))}.`)
  const id = userIds.at(row)
  const rated = ratedBy(id, row, model, catalog, data)
  // Those held out of the training too.
  const exclude = rated.map(({ item }) => catalog.ids.at(item))
  return {
    user: String(id),
    rated: rated.slice(0, mostRated),
    ratedTotal: rated.length,
    best: listed(catalog, await model.recommend(id, { k, exclude })),
  }
}

export function listed(catalog: Catalog, best: { item: RawId; prediction: number }[]): Recommended[] {
  return best.map(({ item, prediction }) => ({ ...catalog.line(catalog.ids.indexOf(item)), prediction }))
}

/** Items of a user that the model knows, best rated first: by the data at hand, else as the model remembers them. */
function ratedBy(id: RawId, row: number, { parts }: Model, catalog: Catalog, data: DataAtHand | undefined): Rated[] {
  const own = data?.ratings.userIds.indexOf(id) ?? UNKNOWN
  if (data === undefined || own === UNKNOWN) {
    const { offsets, items } = parts.seen ?? { offsets: undefined, items: new Uint32Array(0) }
    return Array.from(items.subarray(offsets?.[row] ?? 0, offsets?.[row + 1] ?? 0), item => catalog.line(item))
  }
  const { users, items, values, itemIds } = data.ratings
  const rated: Rated[] = []
  for (let e = 0; e < users.length; e++) {
    if (users[e] !== own) continue
    const item = catalog.ids.indexOf(itemIds.at(items[e]!))
    if (item !== UNKNOWN) rated.push({ ...catalog.line(item), ...(data.summary.rated ? { rating: values[e]! } : {}) })
  }
  return rated.sort((a, b) => (b.rating ?? 0) - (a.rating ?? 0) || (b.count ?? 0) - (a.count ?? 0))
}

/** A user drawn at random, one with some entries if there is. */
export function drawUser(model: Model, data: DataAtHand | undefined, random: () => number): RawId {
  const { userIds } = model.parts
  const counts = entriesOf(model, data)
  const wanted = Math.min(
    fewEntries,
    counts.reduce((most, count) => Math.max(most, count), 0),
  )
  const able = [...counts.keys()].filter(user => counts[user]! >= wanted)
  return userIds.at(able[Math.floor(random() * able.length)]!)
}

function entriesOf({ parts }: Model, data: DataAtHand | undefined): Uint32Array {
  const counts = new Uint32Array(parts.userIds.size)
  const { seen } = parts
  if (seen !== undefined) return counts.map((_, user) => seen.offsets[user + 1]! - seen.offsets[user]!)
  if (data === undefined) return counts
  const { users, userIds } = data.ratings
  const rows = Uint32Array.from({ length: userIds.size }, (_, user) => parts.userIds.indexOf(userIds.at(user)))
  for (const user of users) if (user !== UNKNOWN && rows[user] !== UNKNOWN) counts[rows[user]!]!++
  return counts
}
