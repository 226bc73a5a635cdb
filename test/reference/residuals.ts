import { prediction, predictionSlope } from './link.ts'
import { type ReferenceModel, score } from './score.ts'

/** One observed entry. */
export interface ReferenceEntry {
  user: number
  item: number
  value: number
}

export interface Residual {
  /** (r - r_hat) * d r_hat / d score: half the squared error falls by this much where the score grows by one. */
  residual: number
  squaredError: number
  absoluteError: number
}

/** What an entry adds to the gradient and to the loss. */
export function residual(model: ReferenceModel, { user, item, value }: ReferenceEntry): Residual {
  const s = score(model, user, item)
  const error = value - prediction(model, s)
  return { residual: error * predictionSlope(model, s), squaredError: error ** 2, absoluteError: Math.abs(error) }
}
