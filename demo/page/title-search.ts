import { batch, computed, signal } from '@preact/signals-core'
import { html, nothing, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import type { ItemLine, Outcome } from '../engine/messages.ts'
import { answer, engine } from './engine.ts'
import { counted } from './format.ts'
import { itemName } from './items.ts'
import { debounced, latestOnly } from './latest.ts'
import { faultText } from './notices.ts'

const MOST_HITS = 8
const PAUSE_MS = 120

/** A search box with a list of titles under it: the combobox of the ARIA Authoring Practices, its focus in the box. */
export class TitleSearch {
  readonly #name: string
  readonly #label: string
  readonly #text = signal('')
  readonly #hits = signal<readonly ItemLine[] | undefined>(undefined)
  readonly #problem = signal('')
  readonly #open = signal(false)
  /** The hit that Enter picks; none is marked at first. */
  readonly #active = signal(-1)
  /** The words that the hits are for. */
  #answered = ''

  /** Told to screen readers when typing ceases. */
  readonly #told = computed(() => {
    const hits = this.#hits.value
    if (!this.#open.value || hits === undefined) return ''
    return hits.length === 0 ? 'No title matches' : `${counted(hits.length, 'title')} found`
  })

  readonly #searching = latestOnly<string, Outcome<ItemLine[]>>(
    words => answer(engine.search(words, MOST_HITS)),
    (outcome, words) =>
      batch(() => {
        this.#answered = words
        this.#hits.value = outcome.ok ? outcome.value : undefined
        this.#problem.value = outcome.ok ? '' : faultText(outcome.fault)
        this.#open.value = outcome.ok
        this.#active.value = -1
      }),
  )
  readonly #pausing = debounced<string>(PAUSE_MS, words => this.#searching.ask(words))

  /** @param name begins the ids of its elements; unique in the page */
  constructor(name: string, label: string) {
    this.#name = name
    this.#label = label
  }

  /** Empties the box: its hits are of items that are no longer at hand. */
  reset(): void {
    this.#text.value = ''
    this.#forget()
  }

  view(onPick: (line: ItemLine) => void): TemplateResult {
    const [open, hits] = [this.#open.value, this.#hits.value ?? []]
    const choose = (line: ItemLine | undefined) => {
      if (line === undefined) return
      this.reset()
      onPick(line)
    }
    return html`
      <div class="field title-search">
        <label for="${this.#name}-search">${this.#label}</label>
        <input
          id="${this.#name}-search"
          type="text"
          role="combobox"
          autocomplete="off"
          spellcheck="false"
          maxlength="200"
          placeholder="Part of a title"
          aria-autocomplete="list"
          aria-controls="${this.#name}-hits"
          aria-expanded=${open && hits.length > 0}
          aria-activedescendant=${open && this.#active.value >= 0 ? this.#optionId(this.#active.value) : nothing}
          .value=${live(this.#text.value)}
          @input=${(event: Event) => this.#onInput((event.target as HTMLInputElement).value)}
          @keydown=${(event: KeyboardEvent) => this.#onKey(event, choose)}
          @blur=${() => this.#close()}
        />
        <ul
          id="${this.#name}-hits"
          class="hits"
          role="listbox"
          aria-label="Titles found"
          ?hidden=${!open || hits.length === 0}
        >
          ${hits.map((line, at) => this.#hitView(line, at, choose))}
        </ul>
        <p class="hint" ?hidden=${!open || hits.length > 0}>No title matches.</p>
        <p class="hint wrong" ?hidden=${this.#problem.value === ''}>${this.#problem.value}</p>
        <p class="visually-hidden" role="status">${this.#told.value}</p>
      </div>
    `
  }

  /** The box keeps the focus when a hit is pressed, so that the list is still there when it is let go. */
  #hitView(line: ItemLine, at: number, choose: (line: ItemLine) => void): TemplateResult {
    return html`
      <li
        id=${this.#optionId(at)}
        role="option"
        aria-selected=${at === this.#active.value}
        @mousedown=${(event: Event) => event.preventDefault()}
        @click=${() => choose(line)}
      >
        ${itemName(line)}
      </li>
    `
  }

  #optionId(at: number): string {
    return `${this.#name}-hit-${at}`
  }

  #onInput(words: string): void {
    this.#text.value = words
    this.#active.value = -1
    if (words.trim() === '') this.#forget()
    else this.#pausing.call(words)
  }

  #onKey(event: KeyboardEvent, choose: (line: ItemLine | undefined) => void): void {
    if (event.isComposing) return
    if (event.key === 'ArrowDown') this.#move(1)
    else if (event.key === 'ArrowUp') this.#move(-1)
    else if (event.key === 'Enter' && this.#open.value) choose(this.#marked())
    else if (event.key === 'Escape' && this.#open.value) this.#close()
    else if (event.key === 'Escape') this.reset()
    else return
    event.preventDefault()
  }

  /** Marks the next hit, round through them; from none the first or the last. */
  #move(by: 1 | -1): void {
    const [words, count] = [this.#text.value, this.#hits.value?.length ?? 0]
    if (this.#answered !== words && words.trim() !== '') this.#searching.ask(words)
    if (count === 0) return
    const from = this.#active.value === -1 && by === -1 ? 0 : this.#active.value
    batch(() => {
      this.#active.value = (from + by + count) % count
      this.#open.value = true
    })
    document.getElementById(this.#optionId(this.#active.value))?.scrollIntoView({ block: 'nearest' })
  }

  #close(): void {
    this.#pausing.cancel()
    this.#searching.drop()
    batch(() => {
      this.#open.value = false
      this.#active.value = -1
    })
  }

  /** The hit to pick: the first where none is marked, unless other words have been typed since. */
  #marked(): ItemLine | undefined {
    const [active, hits] = [this.#active.value, this.#hits.value]
    return active >= 0 || this.#answered === this.#text.value ? hits?.[Math.max(active, 0)] : undefined
  }

  /** Leaves out what is under way and what was found. */
  #forget(): void {
    this.#close()
    batch(() => {
      this.#hits.value = undefined
      this.#problem.value = ''
    })
  }
}
