import { predict } from './predictions.ts'
import type { ReferenceEntry } from './residuals.ts'
import type { ReferenceModel } from './score.ts'

/** Sums of (r - r_hat)^2 and |r - r_hat|: N RMSE^2 and N MAE of N entries. */
export function errorSums(
  model: ReferenceModel,
  entries: readonly ReferenceEntry[],
  clip: boolean,
): [squared: number, absolute: number] {
  let squared = 0
  let absolute = 0
  for (const { user, item, value } of entries) {
    const error = value - predict(model, user, item, clip)
    squared += error ** 2
    absolute += Math.abs(error)
  }
  return [squared, absolute]
}
