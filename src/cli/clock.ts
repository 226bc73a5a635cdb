/** Seconds since a reading of `performance.now()`. */
export function elapsed(since: number): number {
  return (performance.now() - since) / 1000
}
