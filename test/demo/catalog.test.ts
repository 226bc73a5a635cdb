import { describe, expect, it } from 'vitest'
import { Catalog, itemCounts } from '../../demo/engine/catalog.ts'
import { spreadRows } from '../../demo/engine/spread.ts'
import { TitleSearch } from '../../demo/engine/title-search.ts'
import { TitleTable } from '../../demo/engine/title-table.ts'
import { IdTable, Model, Ratings } from '../../src/index.ts'

describe('a search of titles', () => {
  const titles = [
    'Midnight in Varna (2004)',
    'The Last Lighthouse (1987)',
    'Lighthouse Keepers (1999)',
    'Amélie of the Harbour (2001)',
    'Красная площадь (1970)',
    'Last Night (2010)',
    'The Old Lighthouse (1950)',
  ]
  const search = new TitleSearch(titles.map((title, at) => ({ id: String(100 + at), title })))
  const found = (words: string) => search.find(words, 10).map(place => titles[place])

  it('takes words in any order, and parts of words', () => {
    expect(found('lighthouse last')).toEqual(['The Last Lighthouse (1987)'])
    expect(found('varna midn')).toEqual(['Midnight in Varna (2004)'])
  })

  it('takes a wrong, a missing, a doubled and a swapped letter', () => {
    for (const words of ['lighthovse keepers', 'lighthuse keepers', 'lightthouse keepers', 'lihgthouse keepers']) {
      expect(found(words)).toEqual(['Lighthouse Keepers (1999)'])
    }
  })

  it('takes letters without their accents, and other alphabets', () => {
    expect(found('amelie')).toEqual(['Amélie of the Harbour (2001)'])
    expect(found('Amélie')).toEqual(['Amélie of the Harbour (2001)'])
    expect(found('красн')).toEqual(['Красная площадь (1970)'])
  })

  it('lists equal matches by popularity, and at most as many as wanted', () => {
    expect(found('lighthouse')).toEqual([
      'The Last Lighthouse (1987)',
      'Lighthouse Keepers (1999)',
      'The Old Lighthouse (1950)',
    ])
    expect(search.find('lighthouse', 2)).toEqual([1, 2])
    expect(search.find('', 3)).toEqual([0, 1, 2])
    expect(search.find(' ', 100)).toHaveLength(titles.length)
  })

  it('takes ids, and no nonsense', () => {
    expect(search.find('103', 5)).toEqual([3])
    expect(found('?!*((')).toEqual([])
    expect(found('zzzzqq')).toEqual([])
    expect(search.find('a '.repeat(50_000), 5).length).toBeLessThanOrEqual(5)
  })

  it('finds ids by their beginnings where there are no titles', () => {
    const bare = new TitleSearch(['31', '7', '310', '13', '3'].map(id => ({ id, title: undefined })))
    expect(bare.find('31', 9)).toEqual([0, 2])
    expect(bare.find('3', 9)).toEqual([4, 0, 2])
    expect(bare.find('3', 2)).toEqual([4, 0])
  })
})

describe('a catalog', () => {
  const ratings = Ratings.from([1, 2, 3, 1, 2], [10, 10, 10, 20, 30], [1, 2, 3, 4, 5])
  const parts = {
    factors: 1,
    userFactors: new Float32Array(1),
    itemFactors: new Float32Array(3),
    mean: 0,
    link: 'linear',
    range: { min: 1, max: 5 },
    clip: true,
    userIds: new IdTable(['a']),
    itemIds: new IdTable(['30', '10', '40']),
    seen: { offsets: Uint32Array.of(0, 2), items: Uint32Array.of(1, 2) },
    options: {},
  } as const
  const titles = new TitleTable('t')
  titles.add(10, 'Ten', ['Drama', 'War'])

  it('counts entries by id, whatever kind of id', () => {
    expect(itemCounts(parts.itemIds, ratings)).toEqual(Uint32Array.of(1, 3, 0))
    expect(itemCounts(ratings.itemIds, ratings)).toEqual(Uint32Array.of(3, 1, 1))
  })

  it('lists items with what is known of them', () => {
    const catalog = new Catalog(new Model(parts), ratings, titles)
    expect(catalog.line(1)).toEqual({ item: 1, id: '10', title: 'Ten', genres: ['Drama', 'War'], count: 3 })
    expect(catalog.line(2)).toEqual({ item: 2, id: '40', title: 'Item 40', genres: [], count: 0 })
    expect([...catalog.byPopularity]).toEqual([1, 0, 2])
    expect(catalog.search('ten', 5).map(({ item }) => item)).toEqual([1])
    expect(catalog.search('4', 5).map(({ item }) => item)).toEqual([2])
  })

  it('knows without data what the model has seen', () => {
    const catalog = new Catalog(new Model(parts), undefined, undefined)
    expect(catalog.line(0)).toEqual({ item: 0, id: '30', title: 'Item 30', genres: [] })
    expect([...catalog.byPopularity]).toEqual([1, 2, 0])
  })
})

describe('rows spread over directions', () => {
  const table = Float32Array.of(1, 0, 2, 0.1, 0, 1, -1, 0, 0, 0, 0, -3)

  it('are each as far as can be from those before', () => {
    expect(spreadRows(table, 2, [0, 1, 2, 3], 3)).toEqual([0, 3, 2])
    expect(spreadRows(table, 2, [0, 1, 2, 3, 5], 5)).toEqual([0, 3, 2, 5, 1])
    expect(spreadRows(table, 2, [1, 4], 9)).toEqual([1, 4])
    expect(spreadRows(table, 2, [], 3)).toEqual([])
  })
})
