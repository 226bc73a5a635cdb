import { effect, signal, untracked } from '@preact/signals-core'
import { html, svg } from 'lit-html'
import type { ItemMap, Neighbour } from '../../engine/messages.ts'
import { counted, percent, whole } from '../format.ts'
import { itemName } from '../items.ts'
import type { Category, Colouring } from '../map/categories.ts'
import { colourings } from '../map/categories.ts'
import {
  categories,
  choose,
  chosen,
  colourBy,
  colouring,
  emphasis,
  followModel,
  itemMap,
  mapProblem,
  nearest,
  nearestProblem,
} from '../map/map-state.ts'
import { createStage, spoken } from '../map/stage.ts'
import { model } from '../state.ts'
import { TitleSearch } from '../title-search.ts'
import { show } from '../view.ts'

const search = new TitleSearch('map', 'Find an item')

/** The items as points: near each other where the same people like them. */
export function mountMap(root: HTMLElement): void {
  const isNear = signal(false)
  new IntersectionObserver(
    entries => {
      isNear.value = entries.at(-1)?.isIntersecting ?? false
    },
    { rootMargin: '400px' },
  ).observe(root)
  followModel(isNear)
  effect(() => {
    model.value
    untracked(() => search.reset())
  })
  let stage: HTMLElement | undefined
  show(root, () => {
    if (model.value === undefined) {
      return html`<p class="empty">Train first: then see here which items lie close to each other, and why.</p>`
    }
    if (mapProblem.value !== '') return html`<p class="notice warning small" role="status">${mapProblem.value}</p>`
    const map = itemMap.value
    if (map === undefined) return html`<p class="empty" role="status">Drawing the map</p>`
    stage ??= untracked(createStage)
    return mapView(map, stage)
  })
}

const mapView = (map: ItemMap, stage: HTMLElement) => html`
  <div class="stack">
    <p class="small muted">
      Items that the same people like lie near each other. The map shows the two directions in which the items’ factors
      differ most (principal components); they hold ${percent(map.explained)} of all differences (variance).
      ${map.items.length < map.total ? partText(map) : ''}
    </p>
    <div class="map-tools">${search.view(choose)} ${colouringView(map)}</div>
    <div class="map-body">
      <div class="stack">
        ${stage}
        <p id="map-keys" class="hint">
          Click an item for those most like it. Drag to move; after a click the wheel zooms. Keys: arrows go from item to
          item, Enter chooses, + and − zoom, 0 shows all.
        </p>
        ${legendView()}
      </div>
      <div class="map-near stack">${nearView()}</div>
    </div>
    <p class="visually-hidden" role="status">${spoken.value}</p>
  </div>
`

/** Where a map does not show all items. */
const partText = ({ items, count, total }: ItemMap) =>
  `It shows ${count.some(entries => entries > 0) ? `the ${whole(items.length)} most popular` : whole(items.length)} of ${whole(total)} items.`

const colouringNames: Record<Colouring, string> = { genre: 'Genre', popularity: 'Number of ratings' }

function colouringView(map: ItemMap) {
  const possible = colourings(map)
  if (possible.length < 2) return ''
  return html`
    <fieldset class="choices">
      <legend>Colour by</legend>
      ${possible.map(
        value => html`
          <label>
            <input
              type="radio"
              name="map-colouring"
              .checked=${value === colouring.value}
              @change=${() => colourBy(value)}
            />
            ${colouringNames[value]}
          </label>
        `,
      )}
    </fieldset>
  `
}

/** The colours and what they mean: a button each, which makes its items stand out. */
function legendView() {
  const { list } = categories.value ?? { list: [] }
  if (list.length < 2) return ''
  const name = colouring.value === 'genre' ? 'Genres' : 'Number of ratings'
  return html`<div class="map-legend" role="group" aria-label=${name}>${list.map(legendEntry)}</div>`
}

const legendEntry = ({ name, token, points }: Category, at: number) => html`
  <button
    type="button"
    aria-pressed=${emphasis.value === at}
    @click=${() => {
      emphasis.value = emphasis.value === at ? undefined : at
    }}
  >
    <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      ${svg`<circle cx="6" cy="6" r="5.5" fill="var(${token})"></circle>`}
    </svg>
    ${name} <span class="muted number">${whole(points)}</span>
  </button>
`

function nearView() {
  const line = chosen.value
  if (line === undefined) {
    return html`<p class="hint">Choose an item on the map, or find one by its title, to see the items most like it.</p>`
  }
  const { title, genres, count } = line
  const facts = [...genres, ...(count === undefined ? [] : [counted(count, 'rating')])]
  return html`
    <div class="row apart">
      <h3 id="map-chosen">${title}</h3>
      <button type="button" class="button quiet" @click=${() => choose(undefined)}>Clear</button>
    </div>
    <p class="hint">${facts.join(', ')}</p>
    ${nearestProblem.value === '' ? '' : html`<p class="hint wrong">${nearestProblem.value}</p>`}
    <ol class="items" aria-label=${`Items most like ${title}`}>
      ${nearest.value.map(neighbourView)}
    </ol>
    <p class="hint">Beside each: how alike its factors are, the cosine of their angle; 1 is the same direction.</p>
  `
}

const neighbourView = (line: Neighbour) => html`
  <li>
    <button type="button" class="map-pick" @click=${() => choose(line)}>${itemName(line)}</button>
    <span class="number small">${line.similarity.toFixed(2)}</span>
  </li>
`
