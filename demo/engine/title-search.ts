import UFuzzy from '@leeoniya/ufuzzy'

/** Longer questions are cut: no title has so many letters. */
const longestQuestion = 100

/** Words that may stand in any order. */
const wordsInAnyOrder = 4

/** Finds items by words of their titles, in any order and with a wrong letter in a word, or by their ids. */
export class TitleSearch {
  readonly #entries: readonly { id: string; title: string | undefined }[]
  readonly #titles: string[]
  readonly #anyTitle: boolean
  readonly #fuzzy = new UFuzzy({
    unicode: true,
    interSplit: "[^\\p{L}\\d']+",
    intraSplit: '\\p{Ll}\\p{Lu}',
    intraBound: '\\p{L}\\d|\\d\\p{L}|\\p{Ll}\\p{Lu}',
    intraChars: "[\\p{L}\\d']",
    intraContr: "'\\p{L}{1,2}\\b",
    intraMode: 1,
    intraIns: 1,
    intraSub: 1,
    intraTrn: 1,
    intraDel: 1,
    sort: bestFirst,
  })

  /** @param entries the most popular first */
  constructor(entries: readonly { id: string; title: string | undefined }[]) {
    this.#entries = entries
    this.#anyTitle = entries.some(({ title }) => title !== undefined)
    this.#titles = this.#anyTitle ? UFuzzy.latinize(entries.map(({ title }) => title ?? '')) : []
  }

  /** Places of the entries that match, best first. */
  find(question: string, limit: number): number[] {
    const words = question.slice(0, longestQuestion).trim()
    if (words === '') return Array.from({ length: Math.min(limit, this.#entries.length) }, (_, place) => place)
    const found = new Set(this.#byId(words, limit))
    if (this.#anyTitle) for (const place of this.#byTitle(words)) found.add(place)
    return [...found].slice(0, limit)
  }

  /** The entry of this very id; where an entry is without a title, also those whose ids begin so. */
  #byId(words: string, limit: number): number[] {
    const exact = this.#entries.findIndex(({ id }) => id === words)
    const found = exact < 0 ? [] : [exact]
    for (let place = 0; place < this.#entries.length && found.length < limit; place++) {
      const { id, title } = this.#entries[place]!
      if (title === undefined && place !== exact && id.startsWith(words)) found.push(place)
    }
    return found
  }

  #byTitle(words: string): number[] {
    const [places, info, order] = this.#fuzzy.search(this.#titles, UFuzzy.latinize(words), wordsInAnyOrder)
    // Of very many the library ranks none, and they stay as they are: by popularity.
    if (places === null || info === null) return places ?? []
    return order.map(at => info.idx[at]!)
  }
}

/** Matched letters, then few wrong ones, then whole words, then words close together; then popularity, the entries' order. */
function bestFirst(info: UFuzzy.Info): number[] {
  const wholeWords = (at: number) =>
    info.terms[at]! + (info.interLft2[at]! + info.interLft1[at]! + info.interRgt2[at]! + info.interRgt1[at]!) / 4
  return [...info.idx.keys()].sort(
    (a, b) =>
      info.chars[b]! - info.chars[a]! ||
      info.intraIns[a]! - info.intraIns[b]! ||
      wholeWords(b) - wholeWords(a) ||
      Math.sign(info.interIns[a]! - info.interIns[b]!) ||
      info.idx[a]! - info.idx[b]!,
  )
}
