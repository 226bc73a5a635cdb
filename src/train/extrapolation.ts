/** By how much a large sample is to take longer than a small one, so that the difference tells. */
const wantedSeconds = 0.3

/** Samples that are tried at most; each is up to eight times as large as the one before. */
const mostSamples = 5

/** What a sample of so many units took. */
export interface Timed {
  units: number
  /** Seconds of the epoch itself, and of what comes after it, which does not grow with the units. */
  work: number
  rest: number
}

/**
 * What all units take, from samples of the least and of more and more units until these tell: a line through the smallest
 * and the largest of them.
 */
export async function extrapolate(
  { units, least }: { units: number; least: number },
  time: (wanted: number) => Promise<Timed>,
): Promise<Timed> {
  const small = await time(least)
  let large = small
  for (let samples = 1; samples < mostSamples && large.units < units; samples++) {
    const more = large.work - small.work
    if (more >= wantedSeconds) break
    const growth = Math.max(2, Math.min(8, (2 * wantedSeconds) / (more > 0 ? more : large.work)))
    large = await time(Math.min(units, Math.ceil(large.units * growth)))
  }
  if (large.units >= units) return large
  const perUnit = Math.max(0, large.work - small.work) / (large.units - small.units)
  return { units, work: large.work + (units - large.units) * perUnit, rest: large.rest }
}
