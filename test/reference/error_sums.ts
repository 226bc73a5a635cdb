/** Sums of (r - r_hat)^2 and |r - r_hat| over entries whose predictions are there. */
export function errorSums(
  predicted: ArrayLike<number>,
  places: readonly number[],
  values: ArrayLike<number>,
): [squared: number, absolute: number] {
  let squared = 0
  let absolute = 0
  places.forEach((place, entry) => {
    const error = values[entry]! - predicted[place]!
    squared += error ** 2
    absolute += Math.abs(error)
  })
  return [squared, absolute]
}
