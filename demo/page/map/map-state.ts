import { batch, computed, effect, signal, untracked } from '@preact/signals-core'
import type { ItemLine, ItemMap, ModelSummary, Neighbour, Outcome } from '../../engine/messages.ts'
import { answer, engine } from '../engine.ts'
import { latestOnly } from '../latest.ts'
import { faultText } from '../notices.ts'
import { edition, model } from '../state.ts'
import { type Categories, type Colouring, categoriesOf, colourings } from './categories.ts'

/** What the map shows, as signals. */

/** Items in the list of the nearest. */
const NEAREST = 10

export const itemMap = signal<ItemMap | undefined>(undefined)
/** Why there is no map of the model at hand. */
export const mapProblem = signal('')

const wantedColouring = signal<Colouring>('genre')
/** Index of the category that stands out. */
export const emphasis = signal<number | undefined>(undefined)

/** The item whose neighbours are shown; it may be none of the points. */
export const chosen = signal<Pick<ItemLine, 'item' | 'title' | 'genres' | 'count'> | undefined>(undefined)
export const nearest = signal<readonly Neighbour[]>([])
export const nearestProblem = signal('')

/** The colouring wanted, or one that tells these items apart. */
export const colouring = computed<Colouring>(() => {
  const possible = itemMap.value === undefined ? [] : colourings(itemMap.value)
  return possible.includes(wantedColouring.value) ? wantedColouring.value : (possible[0] ?? 'popularity')
})

export const categories = computed<Categories | undefined>(() =>
  itemMap.value === undefined ? undefined : categoriesOf(itemMap.value, colouring.value),
)

/** The point of each item. */
const pointOf = computed(() => new Map(Array.from(itemMap.value?.items ?? [], (item, point) => [item, point])))

export const chosenPoint = computed(() =>
  chosen.value === undefined ? undefined : pointOf.value.get(chosen.value.item),
)

export const nearestPoints = computed(() =>
  nearest.value.map(({ item }) => pointOf.value.get(item)).filter(point => point !== undefined),
)

export function colourBy(wanted: Colouring): void {
  batch(() => {
    wantedColouring.value = wanted
    emphasis.value = undefined
  })
}

const asking = latestOnly<void, Outcome<ItemMap>>(
  () => answer(engine.itemMap()),
  outcome =>
    batch(() => {
      mapProblem.value = outcome.ok ? '' : faultText(outcome.fault)
      if (outcome.ok) takeMap(outcome.value)
      else itemMap.value = undefined
    }),
)

/** The item chosen stays so where the new map has it: the same title at the same place of the model. */
function takeMap(map: ItemMap): void {
  const before = chosen.value
  itemMap.value = map
  emphasis.value = undefined
  const point = before === undefined ? undefined : pointOf.value.get(before.item)
  choose(point !== undefined && map.titles[point] === before?.title ? before : undefined)
}

const askingNearest = latestOnly<number, Outcome<Neighbour[]>>(
  item => answer(engine.similar(item, NEAREST)),
  outcome =>
    batch(() => {
      nearestProblem.value = outcome.ok ? '' : faultText(outcome.fault)
      nearest.value = outcome.ok ? outcome.value : []
    }),
)

export function choose(line: NonNullable<typeof chosen.value> | undefined): void {
  batch(() => {
    if (line?.item !== chosen.value?.item) nearest.value = []
    nearestProblem.value = ''
    chosen.value = line
  })
  if (line === undefined) askingNearest.drop()
  else askingNearest.ask(line.item)
}

export function choosePoint(point: number): void {
  const map = itemMap.value
  if (map === undefined) return
  const genre = map.genres[map.genre[point]!]
  choose({
    item: map.items[point]!,
    title: map.titles[point]!,
    genres: genre === undefined ? [] : [genre],
    ...(map.count[point]! > 0 ? { count: map.count[point]! } : {}),
  })
}

/**
 * Asks for the map of a new model at once, and, when something else changes what lists of items show, as soon as the panel
 * is near the window.
 */
export function followModel(isNear: { readonly value: boolean }): void {
  let asked: { edition: number; model: ModelSummary } | undefined
  effect(() => {
    const now = model.value
    if (now === undefined || (asked?.edition === edition.value && asked.model === now)) return
    if (asked?.model === now && !isNear.value) return
    asked = { edition: edition.value, model: now }
    untracked(() => asking.ask())
  })
}
