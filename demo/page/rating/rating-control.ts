import { html, svg } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import type { ItemLine, ModelSummary } from '../../engine/messages.ts'
import { counted } from '../format.ts'
import { give } from './store.ts'
import { DISLIKED, LIKED, likes, MOST_STARS } from './taste.ts'

interface Choice {
  stars: number
  checked: boolean
  label: unknown
}

const star = svg`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3.2l2.7 5.6 6.1.8-4.5 4.3 1.1 6.1-5.4-3-5.4 3 1.1-6.1-4.5-4.3 6.1-.8z"/></svg>`

const starChoices = (rated: number | undefined): Choice[] =>
  Array.from({ length: MOST_STARS }, (_, at) => ({
    stars: at + 1,
    checked: rated === at + 1,
    label: html`${star}<span class="visually-hidden">${counted(at + 1, 'star')}</span>`,
  }))

const thumbChoices = (rated: number | undefined): Choice[] => [
  { stars: LIKED, checked: rated !== undefined && likes(rated), label: 'Liked' },
  { stars: DISLIKED, checked: rated !== undefined && !likes(rated), label: 'Not for me' },
]

/**
 * A control to rate an item: five stars, or a thumb where the model knows no ratings. The keys from 1 on choose, too.
 * @param list names the list that it stands in: an item may be in several
 */
export function ratingControl(list: string, line: ItemLine, rated: number | undefined, kind: ModelSummary['kind']) {
  const choices = kind === 'explicit' ? starChoices(rated) : thumbChoices(rated)
  return html`
    <fieldset
      class=${kind === 'explicit' ? 'stars' : 'choices thumbs'}
      role="radiogroup"
      @keydown=${(event: KeyboardEvent) => onKey(event, line, choices)}
    >
      <legend class="visually-hidden">Your rating of ${line.title}</legend>
      ${choices.map(choice => choiceView(`${list}-${line.item}`, line, choice))}
      <button
        type="button"
        class="button quiet icon clear ${rated === undefined ? 'unused' : ''}"
        aria-label="Clear your rating of ${line.title}"
        data-act="clear"
        @click=${(event: Event) => clear(event, line)}
      >
        <span aria-hidden="true">×</span>
      </button>
    </fieldset>
  `
}

const choiceView = (name: string, line: ItemLine, { stars, checked, label }: Choice) => html`
  <label>
    <input
      type="radio"
      name=${name}
      value=${stars}
      data-act="rate"
      .checked=${live(checked)}
      @change=${() => give(line, stars)}
    />${label}
  </label>
`

function onKey(event: KeyboardEvent, line: ItemLine, choices: readonly Choice[]): void {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof HTMLInputElement)) return
  const chosen = choices.findIndex((_, at) => String(at + 1) === event.key)
  if (chosen >= 0) {
    event.preventDefault()
    give(line, choices[chosen]!.stars)
    radiosOf(event.currentTarget)[chosen]?.focus()
  } else if (event.key === 'Delete' || event.key === 'Backspace') {
    event.preventDefault()
    give(line, undefined)
  }
}

/** The button goes with the rating: the focus moves to what is left. */
function clear(event: Event, line: ItemLine): void {
  radiosOf((event.currentTarget as HTMLElement).parentElement)[0]?.focus()
  give(line, undefined)
}

const radiosOf = (group: EventTarget | null) => [...(group as HTMLElement).querySelectorAll<HTMLInputElement>('input')]
