import { describe, expect, it } from 'vitest'
import { fitted, growth, radii, shifted } from '../../demo/page/map/geometry.ts'
import { PointIndex } from '../../demo/page/map/nearest.ts'
import { neighbourInDirection } from '../../demo/page/map/neighbour.ts'
import { drawingOrder } from '../../demo/page/map/painter.ts'

describe('fitted', () => {
  it.each([
    { width: 800, height: 300 },
    { width: 320, height: 320 },
  ])('shows all points in a map of %j, upright and in the middle', size => {
    const [x, y] = [Float32Array.of(-1, 1, 0.2), Float32Array.of(-0.5, 0.5, 0.1)]
    const { scale, left, top } = fitted(x, y, size)
    const across = [...x].map(value => left + scale * value)
    const down = [...y].map(value => top - scale * value)
    for (const px of across) expect(px >= 0 && px <= size.width).toBe(true)
    for (const py of down) expect(py >= 0 && py <= size.height).toBe(true)
    expect((across[0]! + across[1]!) / 2).toBeCloseTo(size.width / 2, 4)
    expect((down[0]! + down[1]!) / 2).toBeCloseTo(size.height / 2, 4)
    expect(down[1]).toBeLessThan(down[0]!)
  })

  it('puts a single point in the middle', () => {
    const { left, top } = fitted(Float32Array.of(0), Float32Array.of(0), { width: 300, height: 200 })
    expect([left, top]).toEqual([150, 100])
  })

  it('follows zoom and shift', () => {
    expect(shifted({ scale: 10, left: 3, top: 4 }, { k: 2, x: 5, y: -1 })).toEqual({ scale: 20, left: 11, top: 7 })
  })
})

describe('radii', () => {
  const large = { width: 1000, height: 1000 }
  it('go from 2 to 7 by the square root of the entries', () => {
    expect([...radii(Uint32Array.of(0, 25, 100), large)]).toEqual([2, 4.5, 7])
  })
  it('are all the same where nothing is known, and smaller where there are many points', () => {
    expect([...radii(new Uint32Array(2), large)]).toEqual([3.5, 3.5])
    expect(radii(new Uint32Array(20_000).fill(9), { width: 300, height: 300 })[0]).toBe(3.5)
  })
  it('grow less than the map', () => {
    expect(growth(1)).toBe(1)
    expect(growth(8)).toBeGreaterThan(1.5)
    expect(growth(64)).toBe(2)
  })
})

describe('neighbourInDirection', () => {
  //      3
  //   1  0  2   4
  const points = { x: [0, -1, 1, 0, 3, 0.9], y: [0, 0, 0, 1, 0, -0.8] }
  it('goes to the next point of each direction', () => {
    const to = (direction: 'left' | 'right' | 'up' | 'down') => neighbourInDirection(points, 0, direction)
    expect([to('left'), to('right'), to('up'), to('down')]).toEqual([1, 2, 3, undefined])
  })
  it('passes over what is not allowed, and stays where nothing is left', () => {
    expect(neighbourInDirection(points, 0, 'right', point => point === 4)).toBe(4)
    expect(neighbourInDirection(points, 4, 'right')).toBeUndefined()
    expect(neighbourInDirection(points, 0, 'left', () => false)).toBeUndefined()
  })
  it('comes from any point to the extreme one', () => {
    const [x, y] = [0, 1].map(phase => Float64Array.from({ length: 300 }, (_, at) => Math.sin(at * 1.7 + phase) * at))
    const rightmost = x!.indexOf(Math.max(...x!))
    let at: number | undefined = 0
    let last = 0
    for (; at !== undefined; at = neighbourInDirection({ x: x!, y: y! }, at, 'right')) last = at
    expect(x![last]).toBeGreaterThan(0.5 * x![rightmost]!)
  })
})

describe('PointIndex', () => {
  const total = 5000
  const x = Float32Array.from({ length: total }, (_, at) => Math.sin(at * at))
  const y = Float32Array.from({ length: total }, (_, at) => Math.cos(at * 1.3))
  const nearestOf = (at: { x: number; y: number }, allowed: (point: number) => boolean) => {
    const distance = (point: number) => Math.hypot(x[point]! - at.x, y[point]! - at.y)
    return [...x.keys()].filter(allowed).reduce((best, point) => (distance(point) < distance(best) ? point : best))
  }

  it('finds what a plain search finds, once it is whole', () => {
    const waiting: (() => void)[] = []
    const index = new PointIndex(x, y, run => {
      waiting.push(run)
      return () => {}
    })
    let slices = 1
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift(), slices++) run()
    expect(slices).toBe(3)
    for (const even of [false, true]) {
      const allowed = (point: number) => !even || point % 2 === 0
      for (let at = 0; at < 40; at++) {
        const place = { x: Math.sin(at) / 1.5, y: Math.cos(7 * at) / 1.5 }
        const found = index.find(place, 2, allowed)!
        const expected = nearestOf(place, allowed)
        expect([x[found], y[found]]).toEqual([x[expected], y[expected]])
      }
    }
    expect(index.find({ x: 5, y: 5 }, 0.1, () => true)).toBeUndefined()
  })

  it('takes the one on top of several in one place', () => {
    const index = new PointIndex(Float32Array.of(0.5, 0.5, 0), Float32Array.of(0, 0, 0), () => () => {})
    expect(index.find({ x: 0.5, y: 0.001 }, 0.1, () => true)).toBe(1)
    expect(index.find({ x: 0.5, y: 0.001 }, 0.1, point => point !== 1)).toBe(0)
  })

  it('stops growing', () => {
    let cancelled = 0
    new PointIndex(x, y, () => () => cancelled++).stop()
    expect(cancelled).toBe(1)
  })
})

it('draws the emphasis last and keeps the order otherwise', () => {
  const category = Uint8Array.of(0, 1, 2, 1, 0)
  expect([...drawingOrder(category, undefined)]).toEqual([0, 1, 2, 3, 4])
  expect([...drawingOrder(category, 1)]).toEqual([0, 2, 4, 1, 3])
})
