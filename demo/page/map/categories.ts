import type { ItemMap } from '../../engine/messages.ts'

/** What the points of a map are coloured by. */
export type Colouring = 'genre' | 'popularity'

/** Points of one colour: a line of the legend. */
export interface Category {
  name: string
  /** Style token of its colour. */
  token: string
  points: number
}

export interface Categories {
  list: Category[]
  /** Index into `list` of each point. */
  of: Uint8Array
}

/** Colours of genres: the tokens --c0 to --c11, the last one for all that have none of their own. */
const COLOURS = 12

/** Steps of the popularity, the tokens --p0 (few entries) to --p5. */
const STEPS = 6

export function categoriesOf(map: ItemMap, colouring: Colouring): Categories {
  return colouring === 'genre' ? byGenre(map) : byPopularity(map)
}

/** Whether points can be told apart by a colouring at all. */
export const colourings = (map: ItemMap): Colouring[] => [
  ...(map.genres.length > 0 ? (['genre'] as const) : []),
  ...(hasCounts(map) ? (['popularity'] as const) : []),
]

const hasCounts = ({ count }: ItemMap): boolean => count.some(entries => entries > 0)

/** Genres in the order of the map, the most frequent first; those for whom there is no colour are one, "Other". */
function byGenre({ genre, genres }: ItemMap): Categories {
  const known = genre.every(index => index < genres.length)
  const own = known && genres.length <= COLOURS ? genres.length : Math.min(genres.length, COLOURS - 1)
  const list = genres.slice(0, own).map((name, at) => ({ name, token: `--c${at}`, points: 0 }))
  if (own < genres.length || !known) {
    list.push({ name: own < genres.length ? 'Other' : 'No genre', token: `--c${COLOURS - 1}`, points: 0 })
  }
  return counted(
    list,
    Uint8Array.from(genre, index => Math.min(index, own)),
  )
}

/** Steps of about equal ratio from the fewest entries of a point to the most; no two have the same bounds. */
function byPopularity({ count }: ItemMap): Categories {
  const bounds = popularityBounds(count)
  const list = bounds.map((least, step) => {
    const most = step + 1 < bounds.length ? bounds[step + 1]! - 1 : largest(count)
    const range = least === most ? integers.format(least) : `${integers.format(least)} to ${integers.format(most)}`
    // Few steps take the ends of the scale too.
    const shade = bounds.length === 1 ? STEPS - 1 : Math.round((step * (STEPS - 1)) / (bounds.length - 1))
    return { name: range, token: `--p${shade}`, points: 0 }
  })
  return counted(
    list,
    Uint8Array.from(count, entries => bounds.findLastIndex(least => entries >= least)),
  )
}

const integers = new Intl.NumberFormat('en')

const largest = (count: Uint32Array): number => count.reduce((most, entries) => Math.max(most, entries), 0)

/** Least number of entries of each step, ascending. */
function popularityBounds(count: Uint32Array): number[] {
  const most = largest(count)
  const least = count.reduce((fewest, entries) => Math.min(fewest, entries), most)
  const bounds = [least]
  const from = Math.max(1, least)
  for (let step = 1; step < STEPS; step++) {
    const bound = rounded(from * (most / from) ** (step / STEPS))
    if (bound > bounds.at(-1)! && bound <= most) bounds.push(bound)
  }
  return bounds
}

/** The nearest number with one digit that is not 0, or with a 5 behind it. */
function rounded(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)))
  return Math.round(Math.round((2 * value) / unit) * (unit / 2))
}

function counted(list: Category[], of: Uint8Array): Categories {
  for (const category of of) list[category]!.points++
  return { list, of }
}
