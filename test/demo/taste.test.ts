import { describe, expect, it } from 'vitest'
import type { ItemLine } from '../../demo/engine/messages.ts'
import {
  clearRating,
  foldInRequest,
  hide,
  idsOf,
  isKnown,
  moveTaste,
  NO_TASTE,
  rate,
  starsOf,
  type Taste,
  unhide,
} from '../../demo/page/rating/taste.ts'

const line = (item: number, title = `Film ${item}`): ItemLine => ({ item, id: String(item), title, genres: [] })
const a = line(1)
const b = line(2)
const c = line(3)

const lists = ({ ratings, hidden }: Taste) => [
  ratings.map(rating => [rating.line.id, rating.stars]),
  hidden.map(({ id }) => id),
]
const byId = (...lines: ItemLine[]) => new Map(lines.map(one => [one.id, one]))

describe('a taste', () => {
  it('puts the newest rating in front, and changes one in its place', () => {
    const two = rate(rate(NO_TASTE, a, 5), b, 2)
    expect(lists(two)).toEqual([
      [
        ['2', 2],
        ['1', 5],
      ],
      [],
    ])
    expect(lists(rate(two, a, 1))[0]).toEqual([
      ['2', 2],
      ['1', 1],
    ])
    expect(lists(clearRating(two, '2'))[0]).toEqual([['1', 5]])
    expect(starsOf(two, '2')).toBe(2)
    expect(starsOf(two, '3')).toBeUndefined()
  })

  it('hides an item once, and shows it again when it is asked to, or when it is rated', () => {
    const hidden = hide(hide(hide(NO_TASTE, a), b), a)
    expect(lists(hidden)).toEqual([[], ['1', '2']])
    expect(lists(unhide(hidden, '1'))[1]).toEqual(['2'])
    expect(lists(rate(hidden, b, 4))).toEqual([[['2', 4]], ['1']])
    expect([isKnown(hidden, '1'), isKnown(hidden, '3'), isKnown(rate(hidden, c, 1), '3')]).toEqual([true, false, true])
  })

  it('does not change the one that it comes from', () => {
    const before = hide(rate(NO_TASTE, a, 5), b)
    const copy = structuredClone(before)
    rate(before, a, 1)
    rate(before, b, 1)
    hide(before, c)
    clearRating(before, '1')
    unhide(before, '2')
    expect(before).toEqual(copy)
    expect(NO_TASTE).toEqual({ ratings: [], hidden: [] })
  })

  it('asks an explicit model by stars, and others by what was liked', () => {
    const taste = hide(rate(rate(rate(NO_TASTE, a, 5), b, 3), c, 2), line(9))
    expect(foldInRequest(taste, 'explicit', 10)).toEqual({
      ratings: [
        { item: 3, stars: 2 },
        { item: 2, stars: 3 },
        { item: 1, stars: 5 },
      ],
      hidden: [9],
      k: 10,
    })
    for (const kind of ['implicit', 'bpr'] as const) {
      expect(foldInRequest(taste, kind, 10).ratings.map(({ stars }) => stars)).toEqual([1, 5, 5])
    }
  })
})

describe('moveTaste', () => {
  const taste = hide(rate(rate(NO_TASTE, a, 5), b, 2), c)

  it('finds the items of another model by their ids, wherever they stand there', () => {
    const moved = moveTaste(taste, byId({ ...a, item: 70 }, { ...b, item: 80 }, { ...c, item: 90 }), false)
    expect(moved.gone).toEqual([])
    expect(foldInRequest(moved.taste, 'explicit', 5)).toEqual({
      ratings: [
        { item: 80, stars: 2 },
        { item: 70, stars: 5 },
      ],
      hidden: [90],
      k: 5,
    })
    expect(idsOf(moved.taste)).toEqual(['2', '1', '3'])
  })

  it('drops items that are gone, and names those that were rated', () => {
    const { taste: left, gone } = moveTaste(taste, byId(a), false)
    expect(lists(left)).toEqual([[['1', 5]], []])
    expect(gone.map(({ id }) => id)).toEqual(['2'])
  })

  it('takes an id with another title for another item', () => {
    const others = byId(line(1, 'Another'), b, c)
    const moved = moveTaste(taste, others, false)
    expect(lists(moved.taste)).toEqual([[['2', 2]], ['3']])
    expect(moved.gone).toEqual([a])
  })

  it('keeps the titles of items that were rated by them, as long as the model is the same', () => {
    const others = byId({ ...line(1, 'Another'), item: 7 }, b, c)
    const moved = moveTaste(taste, others, true)
    expect(moved.gone).toEqual([])
    expect(moved.taste.ratings.map(rating => rating.line.title)).toEqual(['Film 2', 'Film 1'])
    expect(moved.taste.ratings.map(rating => rating.line.item)).toEqual([2, 7])
  })

  it('keeps an item that had no title and has one now', () => {
    const untitled = rate(NO_TASTE, line(1, 'Item 1'), 4)
    expect(moveTaste(untitled, byId(a), false).taste.ratings[0]?.line.title).toBe('Film 1')
  })
})
