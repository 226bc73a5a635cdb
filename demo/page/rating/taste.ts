import type { FoldInRequest, ItemLine, ModelSummary } from '../../engine/messages.ts'

/** What a visitor said of items. */
export interface Taste {
  /** Newest first. */
  readonly ratings: readonly Rating[]
  /** Items never to be recommended, newest first. */
  readonly hidden: readonly ItemLine[]
}

export interface Rating {
  readonly line: ItemLine
  /** Whole, from 1 to 5. */
  readonly stars: number
}

export const NO_TASTE: Taste = { ratings: [], hidden: [] }

export const MOST_STARS = 5
/** What a thumb stands for. */
export const LIKED = 5
export const DISLIKED = 1

/** From these stars on an item counts as liked where a model knows no ratings. */
const LIKED_FROM = 3

const others = <Entry>(entries: readonly Entry[], id: string, idOf: (entry: Entry) => string): Entry[] =>
  entries.filter(entry => idOf(entry) !== id)

const idOfRating = ({ line }: Rating): string => line.id
const idOfLine = ({ id }: ItemLine): string => id

/** Gives stars to an item: in its place where it has some, else in front. A rated item is no longer hidden. */
export function rate(taste: Taste, line: ItemLine, stars: number): Taste {
  const rating = { line, stars }
  const rated = starsOf(taste, line.id) !== undefined
  const ratings = rated
    ? taste.ratings.map(before => (before.line.id === line.id ? rating : before))
    : [rating, ...taste.ratings]
  return { ratings, hidden: others(taste.hidden, line.id, idOfLine) }
}

export const clearRating = (taste: Taste, id: string): Taste => ({
  ...taste,
  ratings: others(taste.ratings, id, idOfRating),
})

export const hide = (taste: Taste, line: ItemLine): Taste => ({
  ...taste,
  hidden: [line, ...others(taste.hidden, line.id, idOfLine)],
})

export const unhide = (taste: Taste, id: string): Taste => ({ ...taste, hidden: others(taste.hidden, id, idOfLine) })

export const starsOf = (taste: Taste, id: string): number | undefined =>
  taste.ratings.find(({ line }) => line.id === id)?.stars

/** Whether an item was rated or hidden. */
export const isKnown = (taste: Taste, id: string): boolean =>
  starsOf(taste, id) !== undefined || taste.hidden.some(line => line.id === id)

export const idsOf = (taste: Taste): string[] => [...taste.ratings.map(idOfRating), ...taste.hidden.map(idOfLine)]

export const likes = (stars: number): boolean => stars >= LIKED_FROM

/** What to ask a model for: where it knows no ratings, stars count as liked or not. */
export function foldInRequest(taste: Taste, kind: ModelSummary['kind'], k: number): FoldInRequest {
  const shown = (stars: number) => {
    if (kind === 'explicit') return stars
    return likes(stars) ? LIKED : DISLIKED
  }
  return {
    ratings: taste.ratings.map(({ line, stars }) => ({ item: line.item, stars: shown(stars) })),
    hidden: taste.hidden.map(({ item }) => item),
    k,
  }
}

/**
 * The same taste by the items of another model, or with other titles.
 * @param lines the items as they are now, by id
 * @param sameModel whether the items are those of before. Where not, one that has another title is another item: sets of
 * other items often have the same ids. Where they are, it keeps the title that it was rated by.
 * @returns the rated items that are gone too
 */
export function moveTaste(
  taste: Taste,
  lines: ReadonlyMap<string, ItemLine>,
  sameModel: boolean,
): { taste: Taste; gone: ItemLine[] } {
  const now = (line: ItemLine): ItemLine[] => {
    const found = lines.get(line.id)
    if (found === undefined) return []
    if (fits(line, found)) return [found]
    return sameModel ? [{ ...found, title: line.title, genres: line.genres }] : []
  }
  return {
    taste: {
      ratings: taste.ratings.flatMap(({ line, stars }) => now(line).map(found => ({ line: found, stars }))),
      hidden: taste.hidden.flatMap(now),
    },
    gone: taste.ratings.map(({ line }) => line).filter(line => now(line).length === 0),
  }
}

/** An item that had no title may have got one. */
const fits = (before: ItemLine, now: ItemLine): boolean =>
  before.title === now.title || before.title === `Item ${before.id}`
