/** Raw ids of users and items, row by row. */
export interface Pairs {
  users: string[]
  items: string[]
}

/** Which column, counted from 0, holds what. */
export interface PairColumns {
  user: number
  item: number
}

const USER = /^(user|u|uid|customer|member|reviewer)s?[ _-]?(id)?$/i
const ITEM = /^(item|i|iid|movie|product|book|track|song|artist|business|anime)s?[ _-]?(id)?$|^(asin|isbn)$/i

/** The columns of a header that bear usual names. */
export function usualPairColumns(names: readonly string[]): PairColumns | undefined {
  const user = names.findIndex(name => USER.test(name))
  const item = names.findIndex(name => ITEM.test(name))
  return user >= 0 && item >= 0 ? { user, item } : undefined
}
