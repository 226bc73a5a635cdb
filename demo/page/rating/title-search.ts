import { batch, computed, signal } from '@preact/signals-core'
import { html, nothing } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import type { ItemLine, Outcome } from '../../engine/messages.ts'
import { answer, engine } from '../engine.ts'
import { counted } from '../format.ts'
import { itemName } from '../items.ts'
import { debounced, latestOnly } from '../latest.ts'
import { faultText } from '../notices.ts'

/** A search box with a list of titles under it: the combobox of the ARIA Authoring Practices, its focus in the box. */

const MOST_HITS = 8
const PAUSE_MS = 120

const text = signal('')
const hits = signal<readonly ItemLine[] | undefined>(undefined)
const problem = signal('')
const open = signal(false)
/** The hit that Enter picks; none is marked at first. */
const active = signal(-1)

/** The words that the hits are for. */
let answered = ''

/** Told to screen readers when typing ceases. */
const told = computed(() => {
  if (!open.value || hits.value === undefined) return ''
  return hits.value.length === 0 ? 'No title matches' : `${counted(hits.value.length, 'title')} found`
})

const searching = latestOnly<string, Outcome<ItemLine[]>>(
  words => answer(engine.search(words, MOST_HITS)),
  (outcome, words) =>
    batch(() => {
      answered = words
      hits.value = outcome.ok ? outcome.value : undefined
      problem.value = outcome.ok ? '' : faultText(outcome.fault)
      open.value = outcome.ok
      active.value = -1
    }),
)
const pausing = debounced<string>(PAUSE_MS, words => searching.ask(words))

function onInput(words: string): void {
  text.value = words
  active.value = -1
  if (words.trim() === '') forget()
  else pausing.call(words)
}

/** Leaves out what is under way and what was found. */
function forget(): void {
  pausing.cancel()
  searching.drop()
  batch(() => {
    hits.value = undefined
    problem.value = ''
    open.value = false
    active.value = -1
  })
}

/** Empties the box: its hits are of items that are no longer at hand. */
export function resetSearch(): void {
  text.value = ''
  forget()
}

function move(by: 1 | -1): void {
  const count = hits.value?.length ?? 0
  if (count === 0) return
  // Round through the hits; from none to the first or the last.
  const from = active.value === -1 && by === -1 ? 0 : active.value
  batch(() => {
    active.value = open.value ? (from + by + count) % count : active.value
    open.value = true
  })
  document.getElementById(optionId(active.value))?.scrollIntoView({ block: 'nearest' })
}

/** The hit to pick: the first where none is marked, unless other words have been typed since. */
const marked = (): ItemLine | undefined =>
  active.value >= 0 || answered === text.value ? hits.value?.[Math.max(active.value, 0)] : undefined

const optionId = (at: number) => `rate-hit-${at}`

export function titleSearch(onPick: (line: ItemLine) => void) {
  const choose = (line: ItemLine | undefined) => {
    if (line === undefined) return
    resetSearch()
    onPick(line)
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing) return
    if (event.key === 'ArrowDown') move(1)
    else if (event.key === 'ArrowUp') move(-1)
    else if (event.key === 'Enter' && open.value) choose(marked())
    else if (event.key === 'Escape' && open.value) open.value = false
    else if (event.key === 'Escape') resetSearch()
    else return
    event.preventDefault()
  }
  return html`
    <div class="field title-search">
      <label for="rate-search">Find a title</label>
      <input
        id="rate-search"
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck="false"
        maxlength="200"
        placeholder="Part of a title"
        aria-autocomplete="list"
        aria-controls="rate-hits"
        aria-expanded=${open.value && !noHits()}
        aria-activedescendant=${open.value && active.value >= 0 ? optionId(active.value) : nothing}
        .value=${live(text.value)}
        @input=${(event: Event) => onInput((event.target as HTMLInputElement).value)}
        @keydown=${onKey}
        @blur=${() => {
          open.value = false
        }}
      />
      <ul id="rate-hits" class="hits" role="listbox" aria-label="Titles found" ?hidden=${!open.value || noHits()}>
        ${(hits.value ?? []).map((line, at) => hitView(line, at, choose))}
      </ul>
      <p class="hint" ?hidden=${!open.value || !noHits()}>No title matches.</p>
      <p class="hint wrong" ?hidden=${problem.value === ''}>${problem.value}</p>
      <p class="visually-hidden" role="status">${told.value}</p>
    </div>
  `
}

const noHits = () => (hits.value?.length ?? 0) === 0

/** The box keeps the focus when a hit is pressed, so that the list is still there when it is let go. */
const hitView = (line: ItemLine, at: number, choose: (line: ItemLine) => void) => html`
  <li
    id=${optionId(at)}
    role="option"
    aria-selected=${at === active.value}
    @mousedown=${(event: Event) => event.preventDefault()}
    @click=${() => choose(line)}
  >
    ${itemName(line)}
  </li>
`
