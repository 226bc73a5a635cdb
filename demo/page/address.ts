import type { Planting, Settings } from '../engine/messages.ts'

/** Sizes of planted sets that the page offers, in entries. */
export const PLANTED_SIZES = [100_000, 1_000_000, 5_000_000] as const

export const SOLVERS = ['sgd', 'adam', 'als'] as const
export const MODELS = ['explicit', 'implicit'] as const

/** What the number fields take. */
export const BOUNDS = {
  factors: { least: 1, most: 512, whole: true },
  epochs: { least: 1, most: 10_000, whole: true },
  rate: { least: 1e-9, most: 1e3, whole: false },
  penalty: { least: 0, most: 1e6, whole: false },
  seed: { least: 0, most: 2 ** 32 - 1, whole: true },
  movies: { least: 1000, most: 25_000_000, whole: true },
} as const

export type NumberName = keyof typeof BOUNDS

export const DEFAULTS: Settings = { solver: 'sgd', model: 'explicit', factors: 16, epochs: 20, seed: 1 }
const DEFAULT_PLANTING: Planting = { entries: PLANTED_SIZES[0], seed: 1 }

/** What is wrong with a number, in words; undefined where nothing is. */
export function numberProblem(name: NumberName, value: number): string | undefined {
  const { least, most, whole } = BOUNDS[name]
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return undefined
  return `must be ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`
}

interface Address {
  settings: Settings
  planting: Planting
  /** What was left out, in words. */
  problems: string[]
}

/** The run that an address describes; parts of it that make no sense are named and left out. */
export function readAddress(search: string): Address {
  const problems: string[] = []
  const parameters = new URLSearchParams(search)
  const shown = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
  const choice = <Choice extends string>(name: string, choices: readonly Choice[], otherwise: Choice): Choice => {
    const text = parameters.get(name)
    const found = choices.find(one => one === text)
    if (text !== null && found === undefined) {
      problems.push(`${name}=${shown(text)}: expected ${choices.join(' or ')}.`)
    }
    return found ?? otherwise
  }
  const number = <Otherwise>(name: NumberName, otherwise: Otherwise): number | Otherwise => {
    const text = parameters.get(name)
    if (text === null || text.trim() === '') return otherwise
    const value = Number(text)
    const problem = numberProblem(name, value)
    if (problem === undefined) return value
    problems.push(`${name}=${shown(text)}: ${problem}.`)
    return otherwise
  }
  const model = choice('model', MODELS, DEFAULTS.model)
  const solver = choice('solver', SOLVERS, model === 'implicit' ? 'als' : DEFAULTS.solver)
  if (model === 'implicit' && solver !== 'als') problems.push(`solver=${shown(solver)}: implicit models train by als.`)
  const used = model === 'implicit' ? 'als' : solver
  const rate = number('rate', undefined)
  if (used === 'als' && rate !== undefined) problems.push(`rate=${rate}: als takes no steps, so it has no rate.`)
  return {
    settings: {
      model,
      solver: used,
      factors: number('factors', DEFAULTS.factors),
      epochs: number('epochs', DEFAULTS.epochs),
      rate: used === 'als' ? undefined : rate,
      penalty: number('penalty', undefined),
      seed: number('seed', DEFAULTS.seed),
    },
    planting: { ...DEFAULT_PLANTING, entries: number('movies', DEFAULT_PLANTING.entries) },
    problems,
  }
}

/** The address of a run: what differs from the defaults. */
export function writeAddress(settings: Settings, planting: Planting): string {
  const parameters = new URLSearchParams()
  const put = (name: string, value: string | number | undefined, usual?: string | number) => {
    if (value !== undefined && value !== usual) parameters.set(name, String(value))
  }
  put('model', settings.model, DEFAULTS.model)
  put('solver', settings.solver, settings.model === 'implicit' ? 'als' : DEFAULTS.solver)
  put('factors', settings.factors, DEFAULTS.factors)
  put('epochs', settings.epochs, DEFAULTS.epochs)
  put('rate', settings.rate)
  put('penalty', settings.penalty)
  put('seed', settings.seed, DEFAULTS.seed)
  put('movies', planting.entries, DEFAULT_PLANTING.entries)
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}
