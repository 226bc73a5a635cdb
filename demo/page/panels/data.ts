import { effect, signal } from '@preact/signals-core'
import { html, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import type { DataSummary, TitlesSummary } from '../../engine/messages.ts'
import { cancelReading, openFiles, plant } from '../actions.ts'
import { PLANTED_SIZES } from '../address.ts'
import { fileButton } from '../file-button.ts'
import { bytes, counted, decimal, duration, percent, sizeInWords, whole } from '../format.ts'
import { histogramView } from '../histogram.ts'
import { data, planting, reading, titles } from '../state.ts'
import { show } from '../view.ts'

/** The size that was chosen and is not planted yet. */
const wanted = signal<number | undefined>(undefined)
/** When the reading at hand began, in milliseconds. */
const began = signal(0)

/** The ratings at hand: planted ones of a chosen size, or the visitor's own file. */
export function mountData(root: HTMLElement): void {
  let name: string | undefined
  effect(() => {
    const next = reading.value?.name
    if (next !== name && next !== undefined) began.value = performance.now()
    name = next
  })
  root.classList.add('stack')
  show(
    root,
    () => html`
      ${sizesView()} ${dropView} ${reading.value === undefined ? '' : readingView(reading.value)}
      ${data.value === undefined ? '' : summaryView(data.value)}
      <p class="visually-hidden" role="status">${said()}</p>
    `,
  )
}

/** What is read out: that something is read, and what came of it. */
function said(): string {
  if (reading.value !== undefined) return `Preparing ${reading.value.name}`
  if (data.value === undefined) return ''
  const { name, users, items, entries } = data.value
  return `${name}: ${whole(entries)} ratings, ${counted(users, 'user')}, ${counted(items, 'item')}`
}

function sizesView(): TemplateResult {
  const planted = data.value === undefined || data.value.kind === 'planted'
  const chosen = wanted.value ?? (planted ? planting.value.entries : undefined)
  const sizes = [...new Set([...PLANTED_SIZES, planting.value.entries])].sort((a, b) => a - b)
  return html`
    <fieldset class="choices" aria-describedby="planted-about">
      <legend>Made-up movies, with this many ratings</legend>
      ${sizes.map(
        size => html`
          <label>
            <input
              type="radio"
              name="planted-size"
              .checked=${live(size === chosen)}
              @change=${() => void plantWanted(size)}
            />
            ${sizeInWords(size)}<span class="visually-hidden"> ratings</span>
          </label>
        `,
      )}
    </fieldset>
    <p class="hint" id="planted-about">
      Their ratings follow a planted pattern plus noise, so it is known how well anyone can predict them.
    </p>
  `
}

/** Plants the size that was chosen last: arrow keys pass over sizes, and each of them is chosen. */
async function plantWanted(size: number): Promise<void> {
  const busy = wanted.value !== undefined
  wanted.value = size
  if (busy) return
  for (let asked = Number.NaN; asked !== wanted.value; ) {
    asked = wanted.value
    await plant(asked)
  }
  wanted.value = undefined
}

const dropView = html`
  <div class="drop">
    <p>Or drop your own ratings here</p>
    ${fileButton({
      id: 'data-files',
      label: 'Choose files',
      many: true,
      describedBy: 'data-formats',
      onFiles: files => void openFiles(files),
    })}
    <p class="hint" id="data-formats">
      Ratings: CSV, TSV, <code>u.data</code>, <code>::</code> or Parquet, plain, <code>.gz</code> or <code>.zst</code>.
      Titles: <code>u.item</code>, <code>movies.csv</code>, <code>movies.dat</code>. Models: <code>.safetensors</code>.
    </p>
    <p class="hint">Files are read here, inside this page. They are never sent anywhere.</p>
  </div>
`

function readingView({ name, bytes: done, total }: { name: string; bytes: number; total: number }): TemplateResult {
  // Movies that are planted have no bytes, and cannot be left half planted.
  if (total === 0)
    return html`<div class="reading"><p>Planting movies</p><progress aria-label="Planting movies"></progress></div>`
  const seconds = (performance.now() - began.value) / 1000
  const rate = seconds > 0.3 && done > 0 ? `, ${bytes(done / seconds)}/s` : ''
  return html`
    <div class="reading">
      <div class="row apart">
        <p>${name}</p>
        <button type="button" class="button quiet" @click=${cancel}>Cancel</button>
      </div>
      <progress aria-label="Reading ${name}" max=${total} .value=${done}></progress>
      <p class="hint number">${bytes(done)} of ${bytes(total)}, ${percent(done / total)}${rate}</p>
    </div>
  `
}

function cancel(): void {
  cancelReading()
  // The button goes away with the reading: the focus goes to where the next file is chosen.
  document.getElementById('data-files')?.focus()
}

const summaryView = (summary: DataSummary) => html`
  <div class="row apart">
    <h3 class="file-name">${summary.name}</h3>
    <p class="hint">${summary.kind === 'planted' ? 'made' : 'read'} in ${duration(summary.seconds)}</p>
  </div>
  <dl class="facts">
    <div><dt>${summary.rated ? 'Ratings' : 'Entries'}</dt><dd>${whole(summary.entries)}</dd></div>
    <div><dt>Users</dt><dd>${whole(summary.users)}</dd></div>
    <div><dt>Items</dt><dd>${whole(summary.items)}</dd></div>
    <div><dt>Density</dt><dd>${density(summary)} of all pairs</dd></div>
    ${
      summary.rated
        ? html`
          <div><dt>Mean</dt><dd>${summary.mean.toFixed(2)}</dd></div>
          <div><dt>Range</dt><dd>${decimal(summary.range.min)} to ${decimal(summary.range.max)}</dd></div>
        `
        : ''
    }
    ${summary.merged > 0 ? html`<div><dt>Duplicates merged</dt><dd>${whole(summary.merged)}</dd></div>` : ''}
  </dl>
  ${
    summary.rated
      ? histogramView(summary.histogram)
      : html`<p class="small">It says who used what, without ratings: the model “What was used” is made for that.</p>`
  }
  <p class="small muted" id="titles-line">${titlesLine(titles.value, summary)}</p>
`

function density({ entries, users, items }: DataSummary): string {
  const share = entries / (users * items)
  return share > 0 && share < 0.001 ? `${Number((100 * share).toPrecision(2))}%` : percent(share)
}

function titlesLine(of: TitlesSummary | undefined, { kind, name: dataName }: DataSummary): string {
  if (of === undefined) return 'No titles yet: items are shown by their ids. Drop a file of titles to name them.'
  const { matched, items, name, genres } = of
  const which = genres.length === 0 ? '' : `, ${counted(genres.length, 'genre')}`
  if (kind === 'planted' && name === dataName) return `All ${counted(items, 'item')} have made-up titles${which}`
  return `${whole(matched)} of ${counted(items, 'item has a title', 'items have titles')} from ${name}${which}`
}
