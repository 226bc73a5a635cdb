import { describe, expect, it } from 'vitest'
import { itemMap, MOST_POINTS } from '../../demo/engine/item-map.ts'
import { TitleTable } from '../../demo/engine/title-table.ts'
import { IdTable, Model, type ModelParts } from '../../src/index.ts'

function modelOf(items: number, factors: number, row: (item: number) => number[]): Model {
  const parts: ModelParts = {
    factors,
    userIds: IdTable.range(1),
    itemIds: new IdTable(Float64Array.from({ length: items }, (_, item) => 100 + item)),
    userFactors: new Float32Array(factors),
    itemFactors: Float32Array.from(Array.from({ length: items }, (_, item) => row(item)).flat()),
    mean: 0,
    range: { min: 1, max: 5 },
    clip: false,
    link: 'linear',
    options: {},
  }
  return new Model(parts)
}

const corners = [
  [0, 0],
  [4, 0],
  [4, 2],
  [0, 2],
]
const rectangle = modelOf(4, 2, item => corners[item]!)

describe('itemMap', () => {
  it('draws the most popular last and fills the square in the wider direction', () => {
    const map = itemMap(rectangle, Uint32Array.of(5, 9, 1, 5), undefined)
    expect([...map.items]).toEqual([2, 3, 0, 1])
    expect([...map.count]).toEqual([1, 5, 5, 9])
    expect(map.titles).toEqual(['Item 102', 'Item 103', 'Item 100', 'Item 101'])
    expect([map.total, map.explained]).toEqual([4, 1])
    expect(Math.max(...map.x.map(Math.abs), ...map.y.map(Math.abs))).toBeCloseTo(1, 6)
    const side = (a: number, b: number) => {
      const [from, to] = [map.items.indexOf(a), map.items.indexOf(b)]
      return Math.hypot(map.x[from]! - map.x[to]!, map.y[from]! - map.y[to]!)
    }
    expect(side(0, 1) / side(1, 2)).toBeCloseTo(2, 5)
  })

  it('numbers genres by frequency and knows items without one', () => {
    const titles = new TitleTable('three', ['Never', 'Rare', 'Frequent'])
    titles.add(100, 'First', ['Frequent', 'Rare'])
    titles.add('101', 'Second', ['Rare'])
    titles.add(102, 'Third', ['Frequent'])
    const map = itemMap(rectangle, undefined, titles)
    expect(map.genres).toEqual(['Frequent', 'Rare'])
    expect([...map.items]).toEqual([3, 2, 1, 0])
    expect([...map.genre]).toEqual([255, 0, 1, 0])
    expect(map.titles).toEqual(['Item 103', 'Third', 'Second', 'First'])
    expect([...map.count]).toEqual([0, 0, 0, 0])
  })

  it('keeps the most popular 20,000', () => {
    const items = MOST_POINTS + 3
    const map = itemMap(
      modelOf(items, 1, item => [item]),
      Uint32Array.from({ length: items }, (_, item) => (item < 3 ? 0 : 1)),
      undefined,
    )
    expect(map.items.length).toBe(MOST_POINTS)
    expect(Math.min(...map.items)).toBe(3)
    expect(map.total).toBe(items)
  })

  it('puts a single item and items that are all alike in the middle', () => {
    for (const items of [1, 7]) {
      const map = itemMap(
        modelOf(items, 2, () => [0.3, -3.1]),
        undefined,
        undefined,
      )
      expect([...map.x, ...map.y].every(value => value === 0)).toBe(true)
    }
  })

  it('keeps factors of any finite size on the map', () => {
    const map = itemMap(
      modelOf(3, 2, item => [[3.4e38, -3.4e38, 1e-40][item]!, 0]),
      undefined,
      undefined,
    )
    expect([...map.x].sort((a, b) => a - b)).toEqual([-1, 0, 1])
  })

  it('refuses more factors than a covariance is made of', () => {
    const model = modelOf(1, 5000, () => new Array(5000).fill(0))
    expect(() => itemMap(model, undefined, undefined)).toThrow(/at most 4096 factors; this model has 5000/)
  })
})
