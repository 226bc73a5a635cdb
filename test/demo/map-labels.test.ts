import { describe, expect, it } from 'vitest'
import { labelsFor, placeLabels, shortened } from '../../demo/page/map/labels.ts'

const size = { width: 400, height: 300 }
const widthOf = (text: string) => 7 * text.length

function placed(places: { x: number; y: number }[], rest: Partial<Parameters<typeof placeLabels>[0]> = {}) {
  return placeLabels({
    points: places.keys(),
    placeOf: point => places[point],
    radiusOf: () => 5,
    textOf: point => `Title ${point}`,
    widthOf,
    size,
    most: 14,
    ...rest,
  })
}

describe('placeLabels', () => {
  it('puts a text right of its point, and left of it where the edge is near', () => {
    const [right, left] = placed([
      { x: 100, y: 50 },
      { x: 390, y: 150 },
    ])
    expect(right).toEqual({ point: 0, text: 'Title 0', x: 109, y: 50 })
    expect(left!.x + widthOf('Title 1')).toBe(381)
  })

  it('lets no two meet, and serves the first first', () => {
    const places = Array.from({ length: 200 }, (_, at) => ({ x: (60 + at * 97) % 400, y: (40 + at * 61) % 300 }))
    const labels = placed(places, { most: 200 })
    expect(labels.length).toBeGreaterThan(10)
    expect(labels[0]!.point).toBe(0)
    const boxes = labels.map(({ text, x, y }) => ({ left: x, right: x + widthOf(text), top: y - 8, bottom: y + 8 }))
    for (const [at, a] of boxes.entries()) {
      expect(a.left >= 0 && a.right <= size.width && a.top >= 0 && a.bottom <= size.height).toBe(true)
      for (const b of boxes.slice(at + 1)) {
        expect(a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).toBe(false)
      }
    }
  })

  it('keeps clear of what stands on the map, and to the number asked for', () => {
    const places = [
      { x: 350, y: 250 },
      { x: 50, y: 100 },
      { x: 50, y: 200 },
    ]
    const blocked = { left: 200, top: 200, right: 400, bottom: 300 }
    expect(placed(places, { blocked, most: 1 }).map(({ point }) => point)).toEqual([1])
  })

  it('leaves out what is not shown', () => {
    expect(placed([{ x: 100, y: 50 }], { placeOf: () => undefined })).toEqual([])
  })
})

it('shortens long titles, whole letters at a time', () => {
  expect(shortened('Short')).toBe('Short')
  expect(shortened('🎬'.repeat(40), 5)).toBe('🎬🎬🎬🎬…')
  expect(shortened('Twenty eight letters and more of them')).toHaveLength(30)
})

it('has room for 14 names, fewer on small maps and more when zoomed', () => {
  expect(labelsFor({ width: 900, height: 600 }, 1)).toBe(14)
  expect(labelsFor({ width: 900, height: 600 }, 4)).toBe(27)
  expect(labelsFor({ width: 300, height: 300 }, 1)).toBe(4)
})
