/** For each invocation, whether every exchange with a neighbour within its slice brought that neighbour's index. */
export function shuffleProbe(lanes: number, invocations: number, exchange: (index: number, mask: number) => number) {
  return Array.from({ length: invocations }, (_, index) => {
    for (let mask = 1; mask < lanes; mask *= 2) {
      const neighbour = Math.floor(index / (2 * mask)) * 2 * mask + ((index + mask) % (2 * mask))
      if (exchange(index, mask) !== neighbour) return 0
    }
    return 1
  })
}
