import type { Settings } from '../engine/messages.ts'
import { DEFAULTS, numberProblem } from './address.ts'

/** What settings mean to each other, and what may stand in their fields. */

export const FIELDS = ['factors', 'epochs', 'rate', 'penalty', 'seed'] as const

export type FieldName = (typeof FIELDS)[number]

/** Epochs that each solver usually needs. */
const USUAL_EPOCHS: Record<Settings['solver'], number> = { sgd: DEFAULTS.epochs, adam: DEFAULTS.epochs, als: 12 }

/**
 * Settings with another solver. A rate and a penalty mean something else to each solver, so both go back to its defaults;
 * the epochs follow where they are the usual ones of the solver before.
 */
export function withSolver(settings: Settings, solver: Settings['solver']): Settings {
  if (solver === settings.solver) return settings
  const usual = settings.epochs === USUAL_EPOCHS[settings.solver]
  const epochs = usual ? USUAL_EPOCHS[solver] : settings.epochs
  return { ...settings, solver, epochs, rate: undefined, penalty: undefined }
}

/**
 * Settings with another model. What was used is learnt by ALS alone.
 * @param solver the solver of an explicit model
 */
export function withModel(settings: Settings, model: Settings['model'], solver: Settings['solver']): Settings {
  if (model === settings.model) return settings
  return { ...withSolver(settings, model === 'implicit' ? 'als' : solver), model, penalty: undefined }
}

/** Whether a field's value is used: ALS solves for its factors at once, and takes no steps of any rate. */
export const isUsed = (name: FieldName, { solver }: Settings): boolean => name !== 'rate' || solver !== 'als'

/** Whether a field may be left to the solver. */
export const mayBeBlank = (name: FieldName): name is 'rate' | 'penalty' => name === 'rate' || name === 'penalty'

/** The number that a field's text stands for, undefined where it is blank and may be; or what is wrong with it. */
export function readField(name: FieldName, text: string): { value: number | undefined } | { problem: string } {
  const blank = text.trim() === ''
  if (blank && mayBeBlank(name)) return { value: undefined }
  const value = blank ? Number.NaN : Number(text)
  const problem = numberProblem(name, value)
  return problem === undefined ? { value } : { problem: `This ${problem}.` }
}
