import { html } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import type { ItemLine, ModelSummary, Recommended } from '../../engine/messages.ts'
import { counted, duration } from '../format.ts'
import { itemName, predictionHint, predictionName, predictionText } from '../items.ts'
import { machine } from '../state.ts'
import { ratingControl } from './rating-control.ts'
import {
  clearAll,
  failure,
  found,
  give,
  hideItem,
  justHidden,
  showAgain,
  showOthers,
  taste,
  toRate,
  tryAgain,
} from './store.ts'
import { isKnown, LIKED, MOST_STARS, starsOf } from './taste.ts'

type Kind = ModelSummary['kind']

/** Items that were looked up, and well-known ones to start with. */
export const toRateView = (kind: Kind) => html`
  <div class="row apart">
    <h3>Some to start with</h3>
    <button type="button" class="button quiet" @click=${showOthers}>Show others</button>
  </div>
  <ul class="items two" aria-label="Items to rate">
    ${repeat(
      toRate.value,
      ({ id }) => id,
      line => html`
        <li data-item=${line.item}>
          ${itemName(line)}${ratingControl('start', line, starsOf(taste.value, line.id), kind)}
        </li>
      `,
    )}
  </ul>
`

/** What the ratings came to. */
export const recommendationsView = (model: ModelSummary) => html`
  <div class="row apart"><h3 id="rate-best">Recommended for you</h3></div>
  ${failure.value === undefined ? '' : failureView(failure.value)}
  ${
    found.value === undefined
      ? html`<p class="empty">Rate a title or two, and ten that you may like appear here.</p>`
      : html`
          <p class="hint">Found in ${duration(found.value.milliseconds / 1000)} ${where()}. ${predictionHint(model)}</p>
          <ol class="items" aria-labelledby="rate-best">
            ${repeat(
              found.value.best,
              ({ id }) => id,
              line => recommendationView(line, model),
            )}
          </ol>
        `
  }
  ${hiddenView()}
`

const where = () => (machine.value?.software === true ? 'on a software GPU' : 'on your GPU')

const failureView = (text: string) => html`
  <div class="notice error" role="alert">
    <p class="small">The recommendations could not be made. ${text}</p>
    <div class="row"><button type="button" class="button" @click=${tryAgain}>Try again</button></div>
  </div>
`

/** One that was just liked or hidden stays, greyed out, until the list without it is there: nothing moves twice. */
function recommendationView(line: Recommended, { kind, range }: ModelSummary) {
  const inStars = kind === 'explicit' && (range === undefined || range.max <= MOST_STARS)
  const leaving = isKnown(taste.value, line.id)
  const stars = inStars ? html` <span class="in-stars" aria-hidden="true">★</span>` : ''
  const unlessLeaving = (act: () => void) => () => {
    if (!leaving) act()
  }
  return html`
    <li class=${leaving ? 'leaving' : ''} data-item=${line.item}>
      ${itemName(line, found.value?.fresh.has(line.id) ? html` <span class="fresh">new</span>` : '')}
      <span class="number prediction">
        <span class="visually-hidden">${predictionName(kind)}: </span>${predictionText(line.prediction, kind)}${stars}
      </span>
      <span class="acts">
        <button
          type="button"
          class="button quiet"
          data-act="like"
          aria-label="Like ${line.title}"
          aria-disabled=${leaving}
          @click=${unlessLeaving(() => give(line, LIKED))}
        >
          Like
        </button>
        <button
          type="button"
          class="button quiet"
          data-act="hide"
          aria-label="Hide ${line.title}"
          aria-disabled=${leaving}
          @click=${unlessLeaving(() => hideItem(line))}
        >
          Hide
        </button>
      </span>
    </li>
  `
}

/** What was hidden, and the way back. */
function hiddenView() {
  const { hidden } = taste.value
  if (hidden.length === 0) return ''
  const last = justHidden.value
  return html`
    <div class="stack">
      ${
        last === undefined
          ? ''
          : html`
              <p class="row small" role="status">
                <span>${last.title} is hidden.</span>
                <button type="button" class="button quiet" @click=${() => showAgain(last.id)}>Undo</button>
              </p>
            `
      }
      <details class="small">
        <summary>${counted(hidden.length, 'hidden title')}</summary>
        <ul class="items" aria-label="Hidden titles">
          ${repeat(hidden, ({ id }) => id, hiddenLineView)}
        </ul>
      </details>
    </div>
  `
}

const hiddenLineView = (line: ItemLine) => html`
  <li>
    ${itemName(line)}
    <button
      type="button"
      class="button quiet"
      data-act="unhide"
      aria-label="Show again: ${line.title}"
      @click=${() => showAgain(line.id)}
    >
      Show again
    </button>
  </li>
`

export const ratingsView = (kind: Kind) => html`
  <div class="row apart">
    <h3 id="rate-mine">Your ratings</h3>
    <button type="button" class="button quiet" ?hidden=${taste.value.ratings.length === 0} @click=${clearAll}>
      Clear all
    </button>
  </div>
  ${taste.value.ratings.length === 0 ? html`<p class="hint">None yet. They stay on this page.</p>` : ''}
  <ul class="items mine" aria-labelledby="rate-mine" ?hidden=${taste.value.ratings.length === 0}>
    ${repeat(
      taste.value.ratings,
      ({ line }) => line.id,
      ({ line, stars }) => html`
        <li data-item=${line.item}>${itemName(line)}${ratingControl('mine', line, stars, kind)}</li>
      `,
    )}
  </ul>
`
