import { html, svg, type TemplateResult } from 'lit-html'
import type { DataSummary } from '../engine/messages.ts'
import { decimal, percent, whole } from './format.ts'

type Histogram = DataSummary['histogram']

export interface Bar {
  /** The value, or the values from and to. */
  label: string
  count: number
  /** Of all ratings. */
  share: number
  /** Of the highest bar. */
  height: number
}

/** How the bins of a histogram are drawn and named. */
export function bars(histogram: Histogram): Bar[] {
  const all = histogram.reduce((sum, { count }) => sum + count, 0)
  const most = histogram.reduce((best, { count }) => Math.max(best, count), 0)
  return histogram.map(({ from, to, count }) => ({
    label: from === to ? decimal(from) : `${decimal(from)} to ${decimal(to)}`,
    count,
    share: all === 0 ? 0 : count / all,
    height: most === 0 ? 0 : count / most,
  }))
}

/** With more bars than these, the two ends alone are labelled. */
const LABELLED = 10
const HEIGHT = 64
const WIDTH = 10
const GAP = 1.5

/** Ratings by value as bars, and as a table for those who do not see them. */
export function histogramView(histogram: Histogram): TemplateResult {
  const drawn = bars(histogram)
  return html`
    <figure class="histogram ${histogram.length > LABELLED ? 'ends' : ''}">
      <svg
        viewBox="0 0 ${WIDTH * drawn.length} ${HEIGHT}"
        preserveAspectRatio="none"
        height=${HEIGHT}
        aria-hidden="true"
      >
        ${drawn.map(barView)}
      </svg>
      <div class="scale" aria-hidden="true">${scale(histogram).map(label => html`<span>${label}</span>`)}</div>
      <div class="visually-hidden">
        <table>
          <caption>Ratings by value</caption>
          <tr><th scope="col">Rating</th><th scope="col">How many</th><th scope="col">Share</th></tr>
          ${drawn.map(
            ({ label, count, share }) => html`
              <tr><th scope="row">${label}</th><td>${whole(count)}</td><td>${percent(share)}</td></tr>
            `,
          )}
        </table>
      </div>
    </figure>
  `
}

/** What stands under the bars: every value where there are few, else the two ends. */
function scale(histogram: Histogram): string[] {
  if (histogram.length <= LABELLED) return histogram.map(({ from }) => decimal(from))
  return [histogram.at(0)!.from, histogram.at(-1)!.to].map(decimal)
}

/** Each bar stands in a column that is hovered as a whole, so that low ones can be met too. */
function barView({ label, count, share, height }: Bar, index: number) {
  const drawn = count === 0 ? 0 : Math.max(height * HEIGHT, 1)
  return svg`
    <g>
      <title>${label}: ${whole(count)} (${percent(share)})</title>
      <rect class="room" x=${index * WIDTH} y="0" width=${WIDTH} height=${HEIGHT}></rect>
      <rect class="bar" x=${index * WIDTH + GAP / 2} y=${HEIGHT - drawn} width=${WIDTH - GAP} height=${drawn}></rect>
    </g>
  `
}
