import { describe, expect, it } from 'vitest'
import { extrapolate } from '../../src/train/extrapolation.ts'

/** What units take where each takes as long, beside what an epoch takes whatever they are. */
function linear(fixed: number, perUnit: number) {
  const asked: number[] = []
  const time = async (wanted: number) => {
    asked.push(wanted)
    return { units: wanted, work: fixed + perUnit * wanted, rest: 0.25 }
  }
  return { asked, time }
}

describe('extrapolate', () => {
  it.each([
    { units: 5000, least: 1, fixed: 0.01, perUnit: 0.004 },
    { units: 300, least: 4, fixed: 2, perUnit: 0.02 },
    { units: 100_000, least: 20, fixed: 0, perUnit: 0.001 },
  ])('finds what all units take: %j', async ({ units, least, fixed, perUnit }) => {
    const { asked, time } = linear(fixed, perUnit)
    const found = await extrapolate({ units, least }, time)
    expect(found.units).toBe(units)
    expect(found.work).toBeCloseTo(fixed + perUnit * units, 6)
    expect(found.rest).toBe(0.25)
    expect(asked[0]).toBe(least)
    expect(asked.at(-1)!).toBeLessThan(units)
    // Enough of a difference, but not much more than that.
    expect(perUnit * (asked.at(-1)! - least)).toBeGreaterThan(0.29)
    expect(fixed + perUnit * asked.at(-1)!).toBeLessThan(fixed + 3)
  })

  it('takes the whole where that is little', async () => {
    const { asked, time } = linear(0.001, 0.001)
    expect((await extrapolate({ units: 8, least: 1 }, time)).work).toBeCloseTo(0.009, 9)
    expect(asked.at(-1)).toBe(8)
    const single = linear(0.1, 0.1)
    expect((await extrapolate({ units: 1, least: 1 }, single.time)).work).toBeCloseTo(0.2, 9)
    expect(single.asked).toEqual([1])
  })

  it('does not foretell less than what it has seen', async () => {
    const time = async (units: number) => ({ units, work: 1 / units, rest: 0 })
    expect((await extrapolate({ units: 1e6, least: 1 }, time)).work).toBeGreaterThan(0)
  })
})
