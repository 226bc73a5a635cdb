import { computed, signal } from '@preact/signals-core'
import type { Settings } from '../engine/messages.ts'
import { setSettings } from './actions.ts'
import { DEFAULTS } from './address.ts'
import { FIELDS, type FieldName, isUsed, readField, withModel, withSolver } from './setting-choices.ts'
import { settings } from './state.ts'

/** The texts in the fields of the settings: valid ones are applied as they are typed, others wait to be corrected. */

interface Typed {
  text: string
  /** The setting while the text stands: a setting that is changed elsewhere takes the text's place. */
  value: number | undefined
  /** The field was left, so that what is wrong with it can be said. */
  left: boolean
}

const typed = signal<Partial<Record<FieldName, Typed>>>({})

const current = (name: FieldName): Typed | undefined => {
  const entry = typed.value[name]
  return entry !== undefined && entry.value === settings.value[name] ? entry : undefined
}

/** What stands in a field. */
export const textOf = (name: FieldName): string => current(name)?.text ?? String(settings.value[name] ?? '')

/** What is wrong with a field that was left, in words. */
export function problemOf(name: FieldName): string | undefined {
  const entry = current(name)
  return entry?.left === true && isUsed(name, settings.value) ? wrong(name, entry.text) : undefined
}

/** The fields whose texts are no valid settings. */
export const wrongFields = computed<FieldName[]>(() =>
  FIELDS.filter(name => {
    const entry = current(name)
    return entry !== undefined && isUsed(name, settings.value) && wrong(name, entry.text) !== undefined
  }),
)

function wrong(name: FieldName, text: string): string | undefined {
  const read = readField(name, text)
  return 'problem' in read ? read.problem : undefined
}

/** Takes what is typed into a field; its setting follows where the text is valid. */
export function type(name: FieldName, text: string): void {
  const read = readField(name, text)
  if ('value' in read && read.value !== settings.value[name]) setSettings({ [name]: read.value })
  const left = problemOf(name) !== undefined
  typed.value = { ...typed.value, [name]: { text, value: settings.value[name], left } }
}

/** A field was left: a valid text takes the plain form of its number, what is wrong with another is said. */
export function leave(name: FieldName): void {
  const entry = current(name)
  if (entry === undefined) return
  const kept = wrong(name, entry.text) === undefined ? undefined : { ...entry, left: true }
  const { [name]: _, ...others } = typed.value
  typed.value = kept === undefined ? others : { ...others, [name]: kept }
}

let explicitSolver = settings.value.model === 'explicit' ? settings.value.solver : DEFAULTS.solver

export function chooseSolver(solver: Settings['solver']): void {
  explicitSolver = solver
  change(withSolver(settings.value, solver))
}

export const chooseModel = (model: Settings['model']): void => change(withModel(settings.value, model, explicitSolver))

export function chooseDefaults(): void {
  explicitSolver = DEFAULTS.solver
  typed.value = {}
  setSettings({ ...DEFAULTS, rate: undefined, penalty: undefined })
}

function change(next: Settings): void {
  const { rate: _, penalty: __, ...others } = typed.value
  typed.value = others
  setSettings(next)
}
