/** What a chart of a training shows of its values: pure, in the units of the values. */

/** Room above and below, as a share of the range. */
const MARGIN = 0.06

/** How much higher than everything later the first epochs may reach before they are cut off, in ranges of the later ones. */
const HEADROOM = 1

/**
 * The range of the axis of an error or a rank measure. The first quarter of the epochs may leave it at the top, so that a
 * wild start does not squash the rest; yardsticks never do.
 * @param curves values by epoch, of one length or empty; what is not finite has no place
 */
export function valueRange(curves: readonly (readonly number[])[], yardsticks: readonly number[]): [number, number] {
  const later = curves.flatMap(curve =>
    curve.slice(Math.min(Math.ceil(curve.length / 4), Math.max(0, curve.length - 1))),
  )
  const [low, high] = extent([...curves.flat(), ...yardsticks])
  if (!Number.isFinite(low)) return [0, 1]
  const calm = extent([...later, ...yardsticks])
  const [laterLow, laterHigh] = Number.isFinite(calm[0]) ? calm : [low, high]
  const roof = laterHigh + HEADROOM * (laterHigh - Math.min(low, laterLow))
  const top = Math.min(high, laterHigh === laterLow ? high : roof)
  const margin = top > low ? MARGIN * (top - low) : 0.05 * Math.abs(low) || 0.5
  // A measure that is never negative gets no axis below zero.
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, top + margin]
}

function extent(values: readonly number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    if (value < low) low = value
    if (value > high) high = value
  }
  return [low, high]
}

/**
 * The range of the axis of epochs. While a training runs it has room for those to come, by doubling, so that the curve
 * neither jumps at each epoch nor stands in a corner of a long plan.
 */
export function epochRange(last: number, planned: number, underWay: boolean): [number, number] {
  let end = last
  if (underWay) {
    end = 20
    while (end < last) end *= 2
    end = Math.max(last, Math.min(end, planned))
  }
  return end > 1 ? [1, end] : [0.5, 1.5]
}

/**
 * Heights for labels of horizontal lines, one above the other without overlap, each as near to its line as that allows.
 * @param wanted where the lines stand, in any order, in pixels from the top
 * @param size height of a label; all of them fit between `top` and `bottom` where there is room for them at all
 */
export function spreadLabels(wanted: readonly number[], size: number, top: number, bottom: number): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a]! - wanted[b]!)
  const placed = new Array<number>(wanted.length).fill(0)
  let free = top
  for (const index of order) {
    placed[index] = Math.max(free, wanted[index]!)
    free = placed[index]! + size
  }
  let end = bottom
  for (const index of order.reverse()) {
    placed[index] = Math.min(placed[index]!, end - size)
    end = placed[index]!
  }
  return placed
}

/** Numbers of an axis, all with as many digits behind the point as the one that needs most. */
export function tickLabels(ticks: readonly number[]): string[] {
  const plain = ticks.map(tick => String(Number(tick.toPrecision(6))))
  if (plain.some(text => text.includes('e'))) return plain
  const digits = Math.max(0, ...plain.map(text => text.split('.')[1]?.length ?? 0))
  return ticks.map(tick => tick.toFixed(digits))
}
