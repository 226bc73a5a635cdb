import { InputError } from '../errors.ts'
import { IdNumbers } from './id-numbers.ts'
import { IdTable, type RawId, UNKNOWN } from './ids.ts'

export interface RatingsColumns {
  /** Dense user index of each entry. */
  users: Uint32Array
  /** Dense item index of each entry. */
  items: Uint32Array
  /** Rating of each entry; finite. */
  values: Float32Array
  /** Time of each entry in any unit, for splits and duplicates. */
  times?: Float64Array | undefined
  userIds: IdTable
  itemIds: IdTable
}

/**
 * Observed entries of a users x items matrix in coordinate form (COO), with the raw ids of its rows and columns. Users
 * and items are numbered in order of first appearance. Treat the arrays as read-only.
 */
export class Ratings {
  readonly users: Uint32Array
  readonly items: Uint32Array
  readonly values: Float32Array
  readonly times: Float64Array | undefined
  readonly userIds: IdTable
  readonly itemIds: IdTable

  /**
   * Takes the columns as they are, without a copy.
   * @throws InputError where lengths differ, an index is out of its table or a rating is not finite.
   */
  constructor(columns: RatingsColumns) {
    const { users, items, values, times, userIds, itemIds } = columns
    const length = users.length
    if (items.length !== length || values.length !== length || (times !== undefined && times.length !== length)) {
      throw new InputError(`columns differ in length: ${length} users, ${items.length} items, ${values.length} values`)
    }
    const userCount = userIds.size
    const itemCount = itemIds.size
    for (let e = 0; e < length; e++) {
      if (!Number.isFinite(values[e]))
        throw new InputError(`the rating of entry ${e} is ${values[e]}, not a finite number`)
      const user = users[e]!
      const item = items[e]!
      if (user >= userCount && user !== UNKNOWN) throw new InputError(`entry ${e} names user ${user} of ${userCount}`)
      if (item >= itemCount && item !== UNKNOWN) throw new InputError(`entry ${e} names item ${item} of ${itemCount}`)
    }
    this.users = users
    this.items = items
    this.values = values
    this.times = times
    this.userIds = userIds
    this.itemIds = itemIds
  }

  /**
   * From rows of raw ids, numbering users and items in order of first appearance.
   * @throws InputError where a rating is not finite or the columns differ in length.
   */
  static from(
    users: ArrayLike<RawId>,
    items: ArrayLike<RawId>,
    values: ArrayLike<number>,
    times?: ArrayLike<number>,
  ): Ratings {
    const user = indexIds(users)
    const item = indexIds(items)
    return new Ratings({
      users: user.indices,
      items: item.indices,
      values: Float32Array.from(values),
      times: times === undefined ? undefined : Float64Array.from(times),
      userIds: user.table,
      itemIds: item.table,
    })
  }

  /** Number of observed entries. */
  get length(): number {
    return this.users.length
  }

  get userCount(): number {
    return this.userIds.size
  }

  get itemCount(): number {
    return this.itemIds.size
  }

  /**
   * The entries at `positions`, in that order, over the same users and items.
   * @throws InputError where there is no entry at a position
   */
  select(positions: Uint32Array): Ratings {
    const { length } = positions
    const users = new Uint32Array(length)
    const items = new Uint32Array(length)
    const values = new Float32Array(length)
    const times = this.times === undefined ? undefined : new Float64Array(length)
    for (let at = 0; at < length; at++) {
      const e = positions[at]!
      if (e >= this.users.length) throw new InputError(`there is no entry ${e} among ${this.users.length}`)
      users[at] = this.users[e]!
      items[at] = this.items[e]!
      values[at] = this.values[e]!
      if (times !== undefined) times[at] = this.times![e]!
    }
    return ratingsOf({ users, items, values, times, userIds: this.userIds, itemIds: this.itemIds })
  }

  /** The same entries numbered by other id tables; users and items that those do not hold become `UNKNOWN`. */
  alignTo(userIds: IdTable, itemIds: IdTable): Ratings {
    return ratingsOf({
      users: remap(this.users, this.userIds, userIds),
      items: remap(this.items, this.itemIds, itemIds),
      values: this.values,
      times: this.times,
      userIds,
      itemIds,
    })
  }
}

/** Ratings of columns that are known to be good, such as entries of others: without a look at each of them. */
export function ratingsOf(columns: RatingsColumns): Ratings {
  return Object.assign(Object.create(Ratings.prototype) as Ratings, { times: undefined, ...columns })
}

function indexIds(ids: ArrayLike<RawId>): { indices: Uint32Array; table: IdTable } {
  const numbers = new IdNumbers()
  let integers = true
  for (let e = 0; e < ids.length; e++) integers &&= Number.isSafeInteger(ids[e])
  const indices = new Uint32Array(ids.length)
  for (let e = 0; e < ids.length; e++) indices[e] = numbers.of(integers ? ids[e]! : String(ids[e]!))
  const list = [...numbers.keys()]
  return { indices, table: new IdTable(integers ? Float64Array.from(list as number[]) : (list as string[])) }
}

function remap(indices: Uint32Array, from: IdTable, to: IdTable): Uint32Array {
  if (from === to) return indices
  const target = Uint32Array.from({ length: from.size }, (_, index) => to.indexOf(from.at(index)))
  return indices.map(index => (index === UNKNOWN ? UNKNOWN : target[index]!))
}
