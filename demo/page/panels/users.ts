import { batch, effect, signal, untracked } from '@preact/signals-core'
import { html } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import type { ItemLine, ModelSummary, Outcome, Rated, UserPage } from '../../engine/messages.ts'
import { answer, engine } from '../engine.ts'
import { counted } from '../format.ts'
import { itemName, predictionHint, predictionName, predictionText } from '../items.ts'
import { latestOnly } from '../latest.ts'
import { faultText } from '../notices.ts'
import { edition, model } from '../state.ts'
import { show } from '../view.ts'

const RECOMMENDATIONS = 10
/** Rated items before "Show more". */
const FIRST_RATED = 10

const FIELD = 'user-id'

const shown = signal<UserPage | undefined>(undefined)
/** What stands in the field. */
const text = signal('')
/** What is wrong with it. */
const problem = signal('')
const allRated = signal(false)
/** Whether the field was typed into since the last question: an answer leaves it alone then. */
let typed = false

/** A user by id, or some user of the model; `orSome` says whether some user does where the id is not known. */
interface Question {
  user?: string
  orSome: boolean
}

const loading = latestOnly<Question, Outcome<UserPage>>(
  async ({ user, orSome }) => {
    if (user !== undefined) {
      const page = await answer(engine.recommend(user, RECOMMENDATIONS))
      if (page.ok || !orSome) return page
    }
    const some = await answer(engine.someUser())
    return some.ok ? await answer(engine.recommend(some.value, RECOMMENDATIONS)) : some
  },
  outcome =>
    batch(() => {
      problem.value = outcome.ok ? '' : faultText(outcome.fault)
      if (!outcome.ok) return
      if (shown.peek()?.user !== outcome.value.user) allRated.value = false
      shown.value = outcome.value
      // Nothing changes under the hands of somebody who is about to type.
      if (!typed && document.activeElement?.id !== FIELD) text.value = outcome.value.user
    }),
)

/** What any user of the data has rated, and would be recommended. */
export function mountUsers(root: HTMLElement): void {
  effect(() => {
    edition.value
    untracked(() => {
      if (model.value === undefined) return
      const user = shown.value?.user
      loading.ask(user === undefined ? { orSome: true } : { user, orSome: true })
    })
  })
  show(root, () => {
    const now = model.value
    if (now === undefined) {
      return html`<p class="empty">Once there is a model, see here what it recommends to any user of the ratings.</p>`
    }
    return html`<div class="stack">${formView()}${shown.value === undefined ? '' : pageView(shown.value, now)}</div>`
  })
}

function onSubmit(event: SubmitEvent): void {
  event.preventDefault()
  const user = text.value.trim()
  if (user === '') problem.value = 'Which user? Type an id, or take someone else.'
  else ask({ user, orSome: false })
}

function ask(question: Question): void {
  typed = false
  loading.ask(question)
}

const formView = () => html`
  <form class="row ask-user" @submit=${onSubmit}>
    <div class="field">
      <label for=${FIELD}>User id</label>
      <input
        id=${FIELD}
        type="text"
        autocomplete="off"
        spellcheck="false"
        maxlength="200"
        aria-invalid=${problem.value !== ''}
        aria-describedby="user-problem"
        .value=${live(text.value)}
        @input=${(event: Event) => {
          typed = true
          text.value = (event.target as HTMLInputElement).value
          problem.value = ''
        }}
      />
    </div>
    <button type="submit" class="button">Show</button>
    <button type="button" class="button" @click=${() => ask({ orSome: true })}>Someone else</button>
    <p id="user-problem" class="hint wrong" role="status">${problem.value}</p>
  </form>
`

const pageView = (page: UserPage, model: ModelSummary) => html`
  <div class="pair">
    <div class="stack">${ratedView(page)}</div>
    <div class="stack">
      <h3 id="user-best">Recommended to user ${page.user}</h3>
      <table class="table" aria-labelledby="user-best">
        <thead>
          <tr>
            <th scope="col">Title</th>
            <th scope="col" class="number">${predictionName(model.kind)}</th>
          </tr>
        </thead>
        <tbody>
          ${page.best.map(line => rowView(line, predictionText(line.prediction, model.kind)))}
        </tbody>
      </table>
      <p class="hint">${predictionHint(model)}</p>
    </div>
  </div>
`

function ratedView({ user, rated, ratedTotal }: UserPage) {
  const hasRatings = rated.some(({ rating }) => rating !== undefined)
  const heading = hasRatings ? `Rated best by user ${user}` : `Used by user ${user}`
  if (rated.length === 0) {
    return html`<h3>${heading}</h3><p class="hint">Nothing is known of what this user rated: these ratings are not open.</p>`
  }
  const lines = allRated.value ? rated : rated.slice(0, FIRST_RATED)
  return html`
    <h3 id="user-rated">${heading}</h3>
    <table class="table" aria-labelledby="user-rated">
      <thead>
        <tr>
          <th scope="col">Title</th>
          ${hasRatings ? html`<th scope="col" class="number">Rating</th>` : ''}
        </tr>
      </thead>
      <tbody>
        ${lines.map(line => rowView(line, hasRatings ? ratingText(line) : undefined))}
      </tbody>
    </table>
    <div class="row apart">
      <p class="hint">${lines.length === ratedTotal ? `All ${counted(ratedTotal, 'title')}` : `${lines.length} of ${counted(ratedTotal, 'title')}`}</p>
      ${rated.length > FIRST_RATED ? moreView(rated.length) : ''}
    </div>
  `
}

const moreView = (count: number) => html`
  <button
    type="button"
    class="button quiet"
    aria-expanded=${allRated.value}
    @click=${() => {
      allRated.value = !allRated.value
    }}
  >
    ${allRated.value ? `Show ${FIRST_RATED}` : `Show ${count}`}
  </button>
`

const ratingText = ({ rating }: Rated): string => (rating === undefined ? '–' : String(Number(rating.toPrecision(3))))

const rowView = (line: ItemLine, value: string | undefined) => html`
  <tr>
    <td>${itemName(line)}</td>
    ${value === undefined ? '' : html`<td class="number">${value}</td>`}
  </tr>
`
