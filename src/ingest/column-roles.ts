import { InputError, OptionError } from '../errors.ts'

/** Which column, counted from 0, plays which role. */
export interface ColumnRoles {
  user: number
  item: number
  /** Absent where the file has no ratings: every value is then 1. */
  rating: number | undefined
  /** Absent where the file has no times. */
  time: number | undefined
}

const USUAL_NAMES: Readonly<Record<keyof ColumnRoles, readonly string[]>> = {
  user: ['userid', 'user', 'uid', 'u', 'users', 'reviewerid', 'customerid', 'customer', 'memberid', 'member'],
  item: [
    ...['itemid', 'item', 'iid', 'i', 'items', 'movieid', 'movie', 'productid', 'product', 'asin', 'bookid', 'book'],
    ...['isbn', 'trackid', 'track', 'songid', 'song', 'artistid', 'artist', 'businessid', 'business', 'animeid'],
  ],
  rating: [
    'rating',
    'ratings',
    'score',
    'value',
    'stars',
    'star',
    'overall',
    'r',
    'weight',
    'plays',
    'playcount',
    'count',
  ],
  time: ['timestamp', 'time', 'ts', 't', 'date', 'datetime', 'unixreviewtime', 'unixtime'],
}

/** Roles by the usual names of a header, compared without case, spaces and punctuation. */
export function rolesByName(names: readonly string[]): Partial<ColumnRoles> {
  const plain = names.map(name => name.toLowerCase().replace(/[^a-z0-9]/g, ''))
  const roles: Partial<ColumnRoles> = {}
  for (const role of ['user', 'item', 'rating', 'time'] as const) {
    const usual = USUAL_NAMES[role].find(name => plain.includes(name))
    if (usual !== undefined) roles[role] = plain.indexOf(usual)
  }
  return roles
}

/**
 * Roles as the caller's `columns` name them: a name in the header, or a position counted from 1.
 * @throws InputError where the file has no such column.
 */
export function chosenRoles(
  columns: readonly string[],
  names: readonly string[],
  count: number,
  file: string,
): ColumnRoles {
  const [user, item, rating, time] = columns.map(column => {
    const named = names.indexOf(column)
    if (named >= 0) return named
    const position = /^[1-9]\d*$/.test(column) ? Number(column) : undefined
    if (position !== undefined && position <= count) return position - 1
    throw new InputError(`there is no column ${JSON.stringify(column)}; ${describeColumns(names, count)}`, { file })
  })
  const roles = [user, item, rating, time].filter(role => role !== undefined)
  if (new Set(roles).size < roles.length) {
    throw new OptionError('columns', `"columns" names a column twice: ${columns.join(', ')}`)
  }
  return { user: user!, item: item!, rating, time }
}

/**
 * Roles without `columns`: the usual names of the header, or the order user, item, rating, timestamp. Two columns are a
 * user and an item, and so are three under a header that names a user, an item and a time.
 * @throws InputError where the header names some of the roles, but neither all of them nor in that order.
 */
export function usualRoles(names: readonly string[], count: number, file: string): ColumnRoles {
  const { user, item, rating, time } = rolesByName(names)
  const without = count === 2 || (count === 3 && time !== undefined)
  if (user !== undefined && item !== undefined && (rating !== undefined || without)) return { user, item, rating, time }
  const astray = [user, item, rating].some((column, position) => column !== undefined && column !== position)
  if (count < 2 || astray || time === 2) {
    const problem = 'expected columns for user, item and rating, or for user and item'
    throw new InputError(`${problem}; ${describeColumns(names, count)}; name them with "columns" (--columns)`, { file })
  }
  if (count === 2) return { user: 0, item: 1, rating: undefined, time: undefined }
  return { user: 0, item: 1, rating: 2, time: time ?? (count > 3 ? 3 : undefined) }
}

function describeColumns(names: readonly string[], count: number): string {
  if (names.length === 0) return `the file has ${count} columns without names`
  return `there are ${names.map(name => JSON.stringify(name)).join(', ')}`
}
