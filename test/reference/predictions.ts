import { prediction } from './link.ts'
import { type ReferenceModel, score } from './score.ts'

/** r_hat(u, i); with `clip` the nearest number in the range of the ratings. */
export function predict(model: ReferenceModel, user: number, item: number, clip: boolean): number {
  const value = prediction(model, score(model, user, item))
  return clip ? Math.min(model.maximum, Math.max(model.minimum, value)) : value
}
