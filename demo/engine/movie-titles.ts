import { type GenreWords, genreWords, places, relatives } from './movie-words.ts'

/** Draws titles and what goes with them, in a fixed order for a seed. */
export interface TitleDraws {
  /** A title with a year, as "Midnight in Varna (2004)", other than all before it. */
  title(genre: number): string
  pick<T>(list: readonly T[]): T
  /** True with probability p. */
  chance(p: number): boolean
}

/** A newest film; the further back, the fewer there are. */
const NEWEST = 2024

const OLDEST = 1931

/** Draws after which a name that is taken is one of a series. */
const ATTEMPTS = 12

export function titleDraws(seed: number): TitleDraws {
  const uniform = uniforms(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(uniform() * list.length)]!
  /** How often a name has been given. */
  const given = new Map<string, number>()

  const title = (genre: number): string => {
    const words = genreWords[genre]!
    let name = drawName(words, pick, uniform())
    for (let attempt = 1; attempt < ATTEMPTS && given.has(name); attempt++) name = drawName(words, pick, uniform())
    const part = (given.get(name) ?? 0) + 1
    given.set(name, part)
    const year = Math.round(NEWEST - (NEWEST - OLDEST) * uniform() ** 1.8)
    return `${name}${part === 1 ? '' : ` ${part}`} (${year})`
  }
  return { title, pick, chance: p => uniform() < p }
}

/** A name in one of the usual forms; `form` is uniform in [0, 1). */
function drawName(words: GenreWords, pick: <T>(list: readonly T[]) => T, form: number): string {
  const { adjectives, nouns, people, events } = words
  if (form < 0.28) return `The ${pick(adjectives)} ${pick(nouns)}`
  if (form < 0.4) return `${pick(adjectives)} ${pick(nouns)}`
  if (form < 0.54) return `The ${pick(people)} of ${pick(places)}`
  if (form < 0.66) return `${pick(events)} in ${pick(places)}`
  if (form < 0.78) return `The ${pick(nouns)} and the ${pick(people)}`
  if (form < 0.9) return possessive(pick(people), pick(relatives))
  return `The ${pick(nouns)} of ${pick(places)}`
}

const possessive = (owner: string, owned: string) => `The ${owner}${owner.endsWith('s') ? "'" : "'s"} ${owned}`

/** Uniform numbers in [0, 1) by SplitMix32, a stream a seed. */
function uniforms(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
  }
}
