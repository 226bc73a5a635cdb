import { describe, expect, it } from 'vitest'
import { bars } from '../../demo/page/histogram.ts'

describe('bars', () => {
  it('name the value of a bin, and are high by the highest', () => {
    const drawn = bars([
      { from: 1, to: 1, count: 10 },
      { from: 2.5, to: 2.5, count: 30 },
      { from: 4, to: 4, count: 0 },
    ])
    expect(drawn).toEqual([
      { label: '1', count: 10, share: 0.25, height: 1 / 3 },
      { label: '2.5', count: 30, share: 0.75, height: 1 },
      { label: '4', count: 0, share: 0, height: 0 },
    ])
  })

  it('name both ends of a bin that has a width', () => {
    expect(bars([{ from: -1.60934, to: 0.25, count: 1 }])[0]!.label).toBe('-1.609 to 0.25')
  })

  it('are none, or flat, where there is nothing to count', () => {
    expect(bars([])).toEqual([])
    expect(bars([{ from: 1, to: 1, count: 0 }])).toEqual([{ label: '1', count: 0, share: 0, height: 0 }])
  })
})
