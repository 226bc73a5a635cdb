import { describe, expect, it } from 'vitest'
import { principalAxes } from '../../demo/engine/principal-axes.ts'
import { projectItems } from '../../demo/engine/projection.ts'
import { principalComponents } from '../reference/principal_components.ts'

/** Numbers from -0.5 to 0.5 that are the same every time. */
function draws(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  }
}

/** Rows whose dimensions have spreads that fall slowly, mixed so that no axis is an eigenvector. */
function table(n: number, k: number, seed = 1): Float32Array {
  const draw = draws(seed)
  const rows = new Float32Array(n * k)
  for (let row = 0; row < n; row++) {
    const source = Array.from({ length: k }, (_, a) => draw() / (a + 1) + 0.3)
    for (let a = 0; a < k; a++) for (let b = 0; b < k; b++) rows[row * k + a]! += Math.cos(a * (b + 0.7)) * source[b]!
  }
  return rows
}

describe('projectItems', () => {
  it.each([
    [500, 16],
    [333, 7],
    [3, 5],
    [40, 2],
  ])('agrees with a plain reference on %i items of %i factors', (n, k) => {
    const factors = table(n, k)
    const draw = draws(7)
    const weights = Array.from({ length: n }, () => 1 + Math.floor(20 * (draw() + 0.5)))
    const { x, y, explained } = projectItems(factors, n, k, weights)
    const { mean, axes, values, variance } = principalComponents(factors, n, k, weights)
    expect(explained).toBeCloseTo((values[0]! + values[1]!) / variance, 9)
    for (const [along, axis] of [
      [x, axes[0]!],
      [y, axes[1]!],
    ] as const) {
      const expected = Array.from({ length: n }, (_, row) =>
        axis.reduce((sum, component, a) => sum + component * (factors[row * k + a]! - mean[a]!), 0),
      )
      const sign = Math.sign(expected[0]! * along[0]!)
      for (let row = 0; row < n; row++) expect(along[row]).toBeCloseTo(sign * expected[row]!, 7)
    }
  })

  it('recovers a planted plane, and its distances', () => {
    const [n, k] = [400, 32]
    const draw = draws(3)
    const places = Array.from({ length: n }, () => [4 * draw(), 2 * draw()] as const)
    const unit = (axis: number[]) => axis.map(component => component / Math.hypot(...axis))
    const e = unit(Array.from({ length: k }, () => 1))
    const f = unit(Array.from({ length: k }, (_, a) => (a % 2 === 0 ? 1 : -1)))
    const factors = Float32Array.from({ length: n * k }, (_, at) => {
      const [u, v] = places[Math.floor(at / k)]!
      return u * e[at % k]! + v * f[at % k]! + 1
    })
    const { x, y, explained } = projectItems(factors, n, k)
    expect(explained).toBeGreaterThan(1 - 1e-9)
    for (let row = 1; row < n; row++) {
      const [u, v] = places[row]!
      const planted = Math.hypot(u - places[0]![0], v - places[0]![1])
      expect(Math.hypot(x[row]! - x[0]!, y[row]! - y[0]!)).toBeCloseTo(planted, 4)
    }
  })

  it('gives the same bits and the same signs every time', () => {
    const first = projectItems(table(100, 9), 100, 9)
    expect(projectItems(table(100, 9), 100, 9)).toEqual(first)
  })

  it('lets items without weight follow the others, and takes all alike where none has any', () => {
    const factors = table(60, 4)
    const half = projectItems(
      factors,
      60,
      4,
      Array.from({ length: 60 }, (_, row) => (row < 30 ? 1 : 0)),
    )
    const alone = projectItems(factors.slice(0, 30 * 4), 30, 4)
    for (let row = 0; row < 30; row++) expect(half.x[row]).toBeCloseTo(alone.x[row]!, 9)
    expect(projectItems(factors, 60, 4, new Uint32Array(60))).toEqual(projectItems(factors, 60, 4))
  })

  it('puts a single item and items without variance at 0', () => {
    for (const n of [1, 5]) {
      const same = Float32Array.from({ length: n * 3 }, (_, at) => [0.25, -1.5, 2][at % 3]!)
      const { x, y, explained } = projectItems(same, n, 3)
      expect(explained).toBe(1)
      for (let row = 0; row < n; row++) expect(Math.hypot(x[row]!, y[row]!)).toBeLessThan(1e-12)
    }
    expect(projectItems(new Float32Array(12), 4, 3).explained).toBe(1)
  })

  it('leaves the second direction empty where there is one factor', () => {
    const { x, y, explained } = projectItems(Float32Array.of(1, 2, 6), 3, 1)
    expect(Array.from(x, value => Math.round(1e6 * value))).toEqual([-2e6, -1e6, 3e6])
    expect([...y]).toEqual([0, 0, 0])
    expect(explained).toBe(1)
  })
})

describe('principalAxes', () => {
  it('finds eigenvectors that lie on few coordinates', () => {
    const k = 40
    const matrix = new Float64Array(k * k)
    for (let a = 0; a < k; a++) matrix[a * k + a] = a === 17 ? 3 : a === 31 ? 2 : 1
    const { axes, values } = principalAxes(matrix, k, 2)
    expect(values[0]).toBeCloseTo(3, 12)
    expect(values[1]).toBeCloseTo(2, 12)
    expect(axes[17]).toBeCloseTo(1, 9)
    expect(axes[k + 31]).toBeCloseTo(1, 9)
  })

  it('ends on a matrix whose eigenvalues are all the same, with vectors at right angles', () => {
    const k = 20
    const matrix = Float64Array.from({ length: k * k }, (_, at) => (at % (k + 1) === 0 ? 0.5 : 0))
    const { axes, values } = principalAxes(matrix, k, 2)
    expect(values[1]).toBeCloseTo(0.5, 12)
    let product = 0
    for (let a = 0; a < k; a++) product += axes[a]! * axes[k + a]!
    expect(product).toBeCloseTo(0, 12)
  })
})
