/** Weighted covariance of the rows of a table, and its two first eigenvectors by power iteration with deflation. */
export function principalComponents(table: ArrayLike<number>, n: number, k: number, weights: ArrayLike<number>) {
  let total = 0
  for (let row = 0; row < n; row++) total += weights[row]!
  const mean = Array.from({ length: k }, (_, a) => {
    let sum = 0
    for (let row = 0; row < n; row++) sum += (weights[row]! * table[row * k + a]!) / total
    return sum
  })
  const covariance = Array.from({ length: k }, (_, a) =>
    Array.from({ length: k }, (_, b) => {
      let sum = 0
      for (let row = 0; row < n; row++) {
        sum += (weights[row]! / total) * (table[row * k + a]! - mean[a]!) * (table[row * k + b]! - mean[b]!)
      }
      return sum
    }),
  )
  const variance = covariance.reduce((sum, row, a) => sum + row[a]!, 0)
  const axes: number[][] = []
  const values: number[] = []
  for (let v = 0; v < Math.min(2, k); v++) {
    let axis = Array.from({ length: k }, (_, a) => Math.sin(a + 1))
    for (let round = 0; round < 20_000; round++) {
      const image = covariance.map(row => row.reduce((sum, c, b) => sum + c * axis[b]!, 0))
      const length = Math.hypot(...image)
      axis = image.map(component => component / length)
    }
    const value = axis.reduce((sum, left, a) => sum + left * covariance[a]!.reduce((s, c, b) => s + c * axis[b]!, 0), 0)
    for (let a = 0; a < k; a++) for (let b = 0; b < k; b++) covariance[a]![b]! -= value * axis[a]! * axis[b]!
    axes.push(axis)
    values.push(value)
  }
  return { mean, axes, values, variance }
}
