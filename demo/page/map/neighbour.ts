export type Direction = 'left' | 'right' | 'up' | 'down'

interface Points {
  x: ArrayLike<number>
  /** Upwards. */
  y: ArrayLike<number>
}

/**
 * The point that an arrow key goes to from another one: of those within 45 degrees of the direction, the one with the
 * least distance along it plus twice that across it. Undefined where there is none.
 * @param allowed whether a point may be gone to
 */
export function neighbourInDirection(
  { x, y }: Points,
  from: number,
  direction: Direction,
  allowed: (point: number) => boolean = () => true,
): number | undefined {
  const sign = direction === 'right' || direction === 'up' ? 1 : -1
  const [main, cross] = direction === 'left' || direction === 'right' ? [x, y] : [y, x]
  let best: number | undefined
  let least = Number.POSITIVE_INFINITY
  for (let point = 0; point < x.length; point++) {
    if (point === from || !allowed(point)) continue
    const along = sign * (main[point]! - main[from]!)
    const across = Math.abs(cross[point]! - cross[from]!)
    if (along <= 0 || across > along || along + 2 * across >= least) continue
    least = along + 2 * across
    best = point
  }
  return best
}
