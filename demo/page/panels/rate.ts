import { effect, signal, untracked } from '@preact/signals-core'
import { html, render } from 'lit-html'
import type { ItemLine } from '../../engine/messages.ts'
import { keepFocus } from '../focus.ts'
import { counted } from '../format.ts'
import { debounced } from '../latest.ts'
import { ratingsView, recommendationsView, toRateView } from '../rating/lists.ts'
import { followModel, found, gone, pick } from '../rating/store.ts'
import { model } from '../state.ts'
import { TitleSearch } from '../title-search.ts'

/** How long a list has to stay as it is until it is told to screen readers. */
const SETTLED_MS = 800

const search = new TitleSearch('rate', 'Find a title')

/** The visitor's own ratings, folded into the model at every change. */
export function mountRate(root: HTMLElement): void {
  effect(() => {
    const content = view()
    keepFocus(root, () => render(content, root))
  })
  followModel()
  effect(() => {
    model.value
    untracked(() => search.reset())
  })
  tellOfChanges()

  const choose = (line: ItemLine) => {
    pick(line)
    root.querySelector<HTMLInputElement>(`.two [data-item="${line.item}"] input`)?.focus()
  }

  function view() {
    const now = model.value
    if (now === undefined) {
      return html`
        <p class="empty">Once there is a model, rate a few titles here and see at once what it recommends to you.</p>
      `
    }
    return html`
      <div class="stack">
        <p class="small muted">
          Say what you think of a few titles. Your GPU works out your own factors from that, and the model stays as it
          is: this is called a fold-in.
        </p>
        ${gone.value.length === 0 ? '' : html`<p class="notice small" role="status">${goneText(gone.value)}</p>`}
        ${search.view(choose)}
        <div>${toRateView(now.kind)}</div>
        <div class="pair">
          <div class="stack">${recommendationsView(now)}</div>
          <div>${ratingsView(now.kind)}</div>
        </div>
        <p class="visually-hidden" role="status">${told.value}</p>
      </div>
    `
  }
}

const told = signal('')

/** Says that the recommendations changed, once they stay. */
function tellOfChanges(): void {
  const telling = debounced<number>(SETTLED_MS, count => {
    told.value = `${counted(count, 'recommendation')} updated`
  })
  effect(() => {
    const best = found.value?.best
    // The same words again are read only where others, or none, stood in between.
    untracked(() => {
      told.value = ''
    })
    if (best === undefined) telling.cancel()
    else telling.call(best.length)
  })
}

const NAMED = 3

/** Which ratings were left out, the first few by their titles. */
function goneText(titles: readonly string[]): string {
  const named = titles.slice(0, NAMED).join(', ')
  const more = titles.length > NAMED ? ` and ${counted(titles.length - NAMED, 'other')}` : ''
  return `The model does not have these titles of yours; their ratings were left out: ${named}${more}.`
}
