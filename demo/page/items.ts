import { html } from 'lit-html'
import type { ItemLine, ModelSummary } from '../engine/messages.ts'

/** Items and predictions as lists and tables show them. */

/** A title with its genres, and what else stands beside it. */
export const itemName = ({ title, genres }: Pick<ItemLine, 'title' | 'genres'>, beside: unknown = '') => html`
  <div class="item-name">
    <span>${title}</span>${beside}${genres.length === 0 ? '' : html` <span class="hint">${genres.join(', ')}</span>`}
  </div>
`

/** What a prediction of a model is called. */
export const predictionName = (kind: ModelSummary['kind']): string =>
  kind === 'explicit' ? 'Predicted rating' : 'Score'

/** A prediction: on the scale of the ratings one digit behind the point, a score with three digits in all. */
export const predictionText = (prediction: number, kind: ModelSummary['kind']): string =>
  kind === 'explicit' ? prediction.toFixed(1) : prediction.toPrecision(3)

/** What the numbers beside recommendations mean. */
export function predictionHint({ kind, range }: Pick<ModelSummary, 'kind' | 'range'>): string {
  if (kind !== 'explicit') return 'The score says in which order they come; it is no rating.'
  const predicted = 'Beside each: the rating that the model predicts'
  return range !== undefined && isScale(range) ? `${predicted}, from ${range.min} to ${range.max}.` : `${predicted}.`
}

/** Whether ratings lie on a scale that people rate by, in steps of halves: other ends are by chance, and say nothing. */
const isScale = ({ min, max }: { min: number; max: number }): boolean =>
  Number.isInteger(2 * min) && Number.isInteger(2 * max)
