import { html, svg, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import { compact, measure as digits, duration, percent, whole } from './format.ts'
import { isTraining, type TrainingView } from './state.ts'
import { bestPoint, comparison, meaning, timeWords, yardstickHints } from './training-words.ts'
import { dashes, yardstickLabels } from './yardstick-lines.ts'

/** The figures of a training beside its chart, and its table. */

export function figures(view: TrainingView): TemplateResult {
  const { points, measure, settings, yardsticks } = view
  const last = points.at(-1)
  const best = bestPoint(view)
  const underWay = isTraining(view)
  if (last === undefined && !underWay) return html`<p class="training-meaning">${meaning(view)}</p>`
  const time = timeWords(view, underWay)
  return html`
    ${underWay ? progressBar(last?.epoch ?? 0, settings.epochs) : html`<p class="training-meaning">${meaning(view)}</p>`}
    <dl class="facts large">
      ${fact(`Held-out ${measure}`, last === undefined ? '–' : digits(last.heldOut), 'held-out')}
      ${fact('Best', best === undefined ? '–' : html`${digits(best.heldOut)} <small>epoch ${whole(best.epoch)}</small>`, 'best')}
      ${fact('Epoch', html`${whole(last?.epoch ?? 0)} <small>of ${whole(settings.epochs)}</small>`, 'epoch')}
      ${fact('Updates per second', last === undefined ? '–' : compact(last.updatesPerSecond), 'speed')}
      ${fact(time.name, time.value, 'time')}
    </dl>
    ${
      !underWay || last === undefined || yardsticks.length === 0
        ? ''
        : html`<p class="small muted" data-figure="against">${measure} now: ${yardsticks.map(one => comparison(last.heldOut, one)).join(', ')}.</p>`
    }
  `
}

/** How far the epochs are, as a share. */
const progressBar = (done: number, all: number): TemplateResult => html`
  <progress max=${all} value=${done} aria-label="Epochs done">${percent(done / all)}</progress>
`

const fact = (name: string, value: unknown, figure: string) =>
  html`<div><dt>${name}</dt><dd data-figure=${figure}>${value}</dd></div>`

/** What the lines of the chart are, with their values at an epoch: the one under the pointer, or the last. */
export function legend(view: TrainingView, index: number | undefined): TemplateResult {
  const { points, measure, yardsticks } = view
  const point = points[index ?? points.length - 1] ?? points.at(-1)
  const value = (number: number | undefined) => (number === undefined ? '' : digits(number))
  return html`
    <figcaption class="small">
      <span class="muted">
        ${measure} by epoch, ${measure === 'RMSE' ? 'less is better' : 'more is better'}${
          point === undefined ? '' : `; values at epoch ${whole(point.epoch)}`
        }
      </span>
      <ul class="training-legend">
        <li>${sample('held-out', [])} held out <b class="number">${value(point?.heldOut)}</b></li>
        ${
          measure === 'RMSE'
            ? html`<li>${sample('train', [])} training <b class="number">${value(point?.train)}</b></li>`
            : ''
        }
        ${yardsticks.map(
          ({ kind, value: yardstick }) => html`
            <li data-yardstick=${kind}>
              ${sample(kind, dashes[kind])} ${yardstickLabels[kind]} <b class="number">${digits(yardstick)}</b>
              <span class="muted">${yardstickHints[kind]}</span>
            </li>
          `,
        )}
      </ul>
    </figcaption>
  `
}

const sample = (line: string, dash: readonly number[]) => html`
  <svg class="training-line ${line}" width="32" height="10" aria-hidden="true">
    ${svg`<line x1="0" y1="5" x2="32" y2="5" stroke-dasharray=${dash.join(' ')} />`}
    ${line === 'held-out' ? svg`<circle cx="16" cy="5" r="3" />` : ''}
  </svg>
`

/** Rows that the table shows: the last ones of a long training. */
const TABLE_ROWS = 200

export function epochTable({ points, measure, yardsticks }: TrainingView): TemplateResult {
  const shown = points.slice(-TABLE_ROWS)
  const left = points.length - shown.length
  return html`
    <table class="table">
      <caption class="small muted">
        ${yardsticks.map(({ kind, value }) => `${yardstickLabels[kind]}: ${digits(value)}. `)}
        ${left > 0 ? `The last ${whole(TABLE_ROWS)} of ${whole(points.length)} epochs.` : ''}
      </caption>
      <thead>
        <tr>
          <th scope="col">Epoch</th>
          <th scope="col" class="number">Held-out ${measure}</th>
          <th scope="col" class="number">${measure === 'RMSE' ? 'Training RMSE' : 'Training loss'}</th>
          <th scope="col" class="number">Time</th>
          <th scope="col" class="number">Updates per second</th>
        </tr>
      </thead>
      <tbody>
        ${repeat(
          shown,
          ({ epoch }) => epoch,
          ({ epoch, heldOut, train, seconds, updatesPerSecond }) => html`
            <tr>
              <th scope="row">${whole(epoch)}</th>
              <td class="number">${digits(heldOut)}</td>
              <td class="number">${digits(train)}</td>
              <td class="number">${duration(seconds)}</td>
              <td class="number">${compact(updatesPerSecond)}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `
}
