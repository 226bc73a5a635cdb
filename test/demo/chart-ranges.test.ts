import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { epochRange, spreadLabels, tickLabels, valueRange } from '../../demo/page/chart-ranges.ts'

describe('valueRange', () => {
  it('shows all of a calm curve and its yardsticks', () => {
    const [low, high] = valueRange([[1, 0.95, 0.93, 0.92]], [1.05, 0.9])
    expect(low).toBeLessThan(0.9)
    expect(low).toBeGreaterThan(0.85)
    expect(high).toBeGreaterThan(1.05)
    expect(high).toBeLessThan(1.1)
  })

  it('lets a wild first epoch leave it, so that the rest fills it', () => {
    const rest = [1, 0.96, 0.94, 0.93, 0.92, 0.91, 0.9]
    const [low, high] = valueRange([[40, ...rest]], [1.02, 0.89])
    expect(high).toBeLessThan(1.3)
    expect((0.96 - 0.9) / (high - low)).toBeGreaterThan(0.15)
  })

  it('has room around one epoch, none, and a flat curve', () => {
    for (const curves of [[[0.9]], [[0.9, 0.9, 0.9]]]) {
      const [low, high] = valueRange(curves, [])
      expect(low).toBeLessThan(0.9)
      expect(high).toBeGreaterThan(0.9)
    }
    expect(valueRange([[0.9]], [1.1, 0.8])[1]).toBeGreaterThan(1.1)
    expect(valueRange([[0]], [])[1]).toBeGreaterThan(0)
    expect(valueRange([[], []], [])).toEqual([0, 1])
  })

  it('is a finite range that holds the later epochs and every yardstick', () => {
    const value = fc.oneof(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY),
    )
    const yardstick = fc.double({ min: 0, max: 10, noNaN: true })
    fc.assert(
      fc.property(fc.array(value, { maxLength: 30 }), fc.array(yardstick, { maxLength: 3 }), (curve, yardsticks) => {
        const [low, high] = valueRange([curve], yardsticks)
        expect(Number.isFinite(low) && Number.isFinite(high) && low < high && low >= 0).toBe(true)
        const later = curve.slice(Math.min(Math.ceil(curve.length / 4), Math.max(0, curve.length - 1)))
        for (const held of [...later, ...yardsticks].filter(Number.isFinite)) {
          expect(held >= low && held <= high).toBe(true)
        }
      }),
    )
  })
})

describe('epochRange', () => {
  it.each([
    [1, 20, true, [1, 20]],
    [20, 1000, true, [1, 20]],
    [21, 1000, true, [1, 40]],
    [90, 100, true, [1, 100]],
    [7, 1000, false, [1, 7]],
    [1, 1, true, [0.5, 1.5]],
    [1, 20, false, [0.5, 1.5]],
  ] as const)('epoch %i of %i, under way: %s', (last, planned, underWay, range) => {
    expect(epochRange(last, planned, underWay)).toEqual(range)
  })
})

describe('spreadLabels', () => {
  it('leaves labels at their lines where they do not meet', () => {
    expect(spreadLabels([50, 10, 90], 15, 0, 200)).toEqual([50, 10, 90])
  })

  it('never lets labels overlap or leave the chart where there is room', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 250 }), { minLength: 1, maxLength: 6 }), wanted => {
        const placed = spreadLabels(wanted, 15, 0, 200).sort((a, b) => a - b)
        expect(placed[0]).toBeGreaterThanOrEqual(0)
        expect(placed.at(-1)).toBeLessThanOrEqual(185)
        for (let i = 1; i < placed.length; i++) expect(placed[i]! - placed[i - 1]!).toBeGreaterThanOrEqual(15)
      }),
    )
  })
})

describe('tickLabels', () => {
  it.each([
    [
      [0.9, 0.95, 1],
      ['0.90', '0.95', '1.00'],
    ],
    [
      [0.1 + 0.2, 0.4],
      ['0.3', '0.4'],
    ],
    [
      [1, 2],
      ['1', '2'],
    ],
    [[], []],
  ])('%j', (ticks, labels) => {
    expect(tickLabels(ticks)).toEqual(labels)
  })
})
