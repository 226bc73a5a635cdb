import { batch, computed, effect, signal, untracked } from '@preact/signals-core'
import type {
  FoldInAnswer,
  FoldInRequest,
  ItemLine,
  ModelSummary,
  Outcome,
  Recommended,
} from '../../engine/messages.ts'
import { answer, engine } from '../engine.ts'
import { latestOnly } from '../latest.ts'
import { faultText } from '../notices.ts'
import { edition, model } from '../state.ts'
import {
  clearRating,
  foldInRequest,
  hide,
  idsOf,
  isKnown,
  LIKED,
  moveTaste,
  NO_TASTE,
  rate,
  type Taste,
  unhide,
} from './taste.ts'

/** What the visitor rated and what came of it, as signals; the functions change the ratings and fold them in. */

const RECOMMENDATIONS = 10
/** Well-known items at a time, and how many there are to go through. */
const STARTERS = 6
const WELL_KNOWN = 60

export const taste = signal<Taste>(NO_TASTE)

export interface Found {
  best: readonly Recommended[]
  /** Ids that the list before did not have; none where there was no list. */
  fresh: ReadonlySet<string>
  milliseconds: number
}

/** What the ratings came to. */
export const found = signal<Found | undefined>(undefined)
/** Why the last change came to nothing. */
export const failure = signal<string | undefined>(undefined)
/** Titles whose ratings were left out, because the model at hand does not have them. */
export const gone = signal<readonly string[]>([])
/** The item that was hidden last, while it can be shown again. */
export const justHidden = signal<ItemLine | undefined>(undefined)

/** Items that the visitor looked up, newest first. */
const picked = signal<readonly ItemLine[]>([])
const wellKnown = signal<readonly ItemLine[]>([])
/** Well-known items at hand: those of a page, as ids. */
const starters = signal<readonly string[]>([])

/** Items to rate: those that were looked up, then well-known ones. */
export const toRate = computed<readonly ItemLine[]>(() => {
  const ids = new Set(picked.value.map(({ id }) => id))
  const lines = new Map(wellKnown.value.map(line => [line.id, line]))
  return [...picked.value, ...starters.value.flatMap(id => (ids.has(id) ? [] : (lines.get(id) ?? [])))]
})

const folding = latestOnly<FoldInQuestion, Outcome<FoldInAnswer>>(
  ({ request }) => answer(engine.foldIn(request)),
  (outcome, { shown }) =>
    batch(() => {
      if (!shown) return
      failure.value = outcome.ok ? undefined : faultText(outcome.fault)
      if (!outcome.ok) return
      const { best, milliseconds } = outcome.value
      const before = found.peek()?.best.map(({ id }) => id)
      const fresh = before === undefined ? [] : best.map(({ id }) => id).filter(id => !before.includes(id))
      found.value = { best, fresh: new Set(fresh), milliseconds }
    }),
)

interface FoldInQuestion {
  request: FoldInRequest
  /** Whether anybody waits for the answer. */
  shown: boolean
}

/** Folds the ratings in anew. */
export function foldIn(): void {
  const kind = model.peek()?.kind
  if (kind === undefined || taste.peek().ratings.length === 0) {
    folding.drop()
    batch(() => {
      found.value = undefined
      failure.value = undefined
    })
  } else folding.ask({ request: foldInRequest(taste.peek(), kind, RECOMMENDATIONS), shown: true })
}

/** Folds in what nobody said: a GPU compiles its programs at their first use, and that need not keep anybody waiting. */
function warmUp(line: ItemLine): void {
  folding.ask({
    request: { ratings: [{ item: line.item, stars: LIKED }], hidden: [], k: RECOMMENDATIONS },
    shown: false,
  })
}

function change(next: Taste): void {
  batch(() => {
    taste.value = next
    const last = justHidden.peek()
    if (last !== undefined && !next.hidden.some(({ id }) => id === last.id)) justHidden.value = undefined
    gone.value = []
  })
  foldIn()
}

/** Gives stars to an item; without any takes them away. */
export function give(line: ItemLine, stars: number | undefined): void {
  change(stars === undefined ? clearRating(taste.peek(), line.id) : rate(taste.peek(), line, stars))
}

export const clearAll = (): void => change({ ...taste.peek(), ratings: [] })

export function hideItem(line: ItemLine): void {
  justHidden.value = line
  change(hide(taste.peek(), line))
}

export const showAgain = (id: string): void => change(unhide(taste.peek(), id))

/** Puts an item that was looked up in front of those to rate. */
export function pick(line: ItemLine): void {
  picked.value = [line, ...picked.peek().filter(({ id }) => id !== line.id)]
}

/** Goes on to well-known items that have not been rated, round and round. */
export function showOthers(): void {
  const all = wellKnown.peek().map(({ id }) => id)
  const last = starters.peek().at(-1)
  const from = last === undefined ? 0 : all.indexOf(last) + 1
  const turned = [...all.slice(from), ...all.slice(0, from)]
  batch(() => {
    picked.value = []
    starters.value = turned.filter(id => !isKnown(taste.peek(), id)).slice(0, STARTERS)
  })
}

/** Keeps the ratings and the items to rate to the model at hand, whatever takes its place. */
export function followModel(): void {
  effect(() => {
    edition.value
    untracked(() => {
      if (model.value !== undefined) moving.ask(model.value)
    })
  })
}

/** The model that the ratings are for. */
let movedTo: ModelSummary | undefined

interface Moving {
  ids: ReadonlySet<string>
  lines: Outcome<ItemLine[]>
  known: Outcome<ItemLine[]>
}

const moving = latestOnly<ModelSummary, Moving>(
  async () => {
    const ids = [...new Set([...idsOf(taste.peek()), ...picked.peek().map(({ id }) => id)])]
    const [lines, known] = await Promise.all([answer(engine.lines(ids)), answer(engine.wellKnown(WELL_KNOWN))])
    return { ids: new Set(ids), lines, known }
  },
  ({ ids, lines, known }, of) => {
    if (!lines.ok) failure.value = faultText(lines.fault)
    else if (!known.ok) failure.value = faultText(known.fault)
    // Something was rated in the meantime, by the items of before.
    else if (idsOf(taste.peek()).some(id => !ids.has(id))) moving.ask(of)
    else move(of, lines.value, known.value)
  },
)

/** Does anew what failed. */
export function tryAgain(): void {
  const now = model.peek()
  if (now === undefined || now === movedTo) foldIn()
  else moving.ask(now)
}

function move(to: ModelSummary, lines: readonly ItemLine[], known: readonly ItemLine[]): void {
  const byId = new Map(lines.map(line => [line.id, line]))
  const moved = moveTaste(taste.peek(), byId, to === movedTo)
  movedTo = to
  batch(() => {
    taste.value = moved.taste
    if (moved.gone.length > 0) gone.value = moved.gone.map(({ title }) => title)
    justHidden.value = undefined
    picked.value = picked.peek().flatMap(({ id }) => byId.get(id) ?? [])
    wellKnown.value = known
    const kept = new Set(known.map(({ id }) => id))
    if (starters.peek().length === 0 || starters.peek().some(id => !kept.has(id))) {
      starters.value = known.slice(0, STARTERS).map(({ id }) => id)
    }
  })
  foldIn()
  const [first] = known
  if (moved.taste.ratings.length === 0 && first !== undefined) warmUp(first)
}
