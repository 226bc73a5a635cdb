import { describe, expect, it } from 'vitest'
import type { ItemMap } from '../../demo/engine/messages.ts'
import { categoriesOf, colourings } from '../../demo/page/map/categories.ts'

function mapOf({ genres = [] as string[], genre = [] as number[], count = [] as number[] }): ItemMap {
  const points = Math.max(genre.length, count.length)
  return {
    items: Uint32Array.from({ length: points }, (_, point) => point),
    x: new Float32Array(points),
    y: new Float32Array(points),
    titles: Array.from({ length: points }, (_, point) => `Item ${point}`),
    genre: genre.length > 0 ? Uint8Array.from(genre) : new Uint8Array(points).fill(255),
    genres,
    count: count.length > 0 ? Uint32Array.from(count) : new Uint32Array(points),
    total: points,
    explained: 1,
  }
}

const letters = (count: number) => Array.from({ length: count }, (_, at) => String.fromCharCode(65 + at))

describe('colours by genre', () => {
  it('gives each genre its own while there are enough, and none to spare', () => {
    const map = mapOf({ genres: letters(12), genre: Array.from({ length: 24 }, (_, at) => at % 12) })
    const { list, of } = categoriesOf(map, 'genre')
    expect(list.map(({ name }) => name)).toEqual(letters(12))
    expect(list.map(({ token }) => token)).toEqual(Array.from({ length: 12 }, (_, at) => `--c${at}`))
    expect(list.every(({ points }) => points === 2)).toBe(true)
    expect([...of]).toEqual([...map.genre])
  })

  it('puts the least frequent together where there are more', () => {
    const genre = Array.from({ length: 20 }, (_, at) => at)
    const { list, of } = categoriesOf(mapOf({ genres: letters(20), genre: [...genre, 255] }), 'genre')
    expect(list.length).toBe(12)
    expect(list[11]).toEqual({ name: 'Other', token: '--c11', points: 10 })
    expect([of[10], of[11], of[19], of[20]]).toEqual([10, 11, 11, 11])
  })

  it('names what has none', () => {
    const { list, of } = categoriesOf(mapOf({ genres: ['A', 'B'], genre: [0, 1, 255, 0] }), 'genre')
    expect(list.map(({ name, points }) => [name, points])).toEqual([
      ['A', 2],
      ['B', 1],
      ['No genre', 1],
    ])
    expect([...of]).toEqual([0, 1, 2, 0])
  })
})

describe('colours by popularity', () => {
  it('makes steps that hold every point, light to dark', () => {
    const count = Array.from({ length: 600 }, (_, at) => at)
    const { list, of } = categoriesOf(mapOf({ count }), 'popularity')
    expect(list.length).toBe(6)
    expect(list.map(({ token }) => token)).toEqual(['--p0', '--p1', '--p2', '--p3', '--p4', '--p5'])
    expect(list.reduce((sum, { points }) => sum + points, 0)).toBe(600)
    for (const [point, step] of of.entries()) {
      const [least, most] = list[step]!.name.split(' to ').map(Number)
      expect(count[point]).toBeGreaterThanOrEqual(least!)
      expect(count[point]).toBeLessThanOrEqual(most ?? least!)
    }
  })

  it.each([
    [[7, 7, 7], [['7', '--p5', 3]]],
    [
      [1, 2],
      [
        ['1', '--p0', 1],
        ['2', '--p5', 1],
      ],
    ],
    [[0], [['0', '--p5', 1]]],
  ])('takes %j', (count, expected) => {
    const { list } = categoriesOf(mapOf({ count }), 'popularity')
    expect(list.map(({ name, token, points }) => [name, token, points])).toEqual(expected)
  })

  it('writes thousands apart', () => {
    const { list } = categoriesOf(mapOf({ count: [1, 1_000_000] }), 'popularity')
    expect(list.at(-1)!.name).toMatch(/^\d{3},000 to 1,000,000$/)
  })
})

it('offers the colourings that tell points apart', () => {
  expect(colourings(mapOf({ count: [0, 0] }))).toEqual([])
  expect(colourings(mapOf({ count: [0, 1] }))).toEqual(['popularity'])
  expect(colourings(mapOf({ genres: ['A'], genre: [0], count: [3] }))).toEqual(['genre', 'popularity'])
})
