import { type Command, Option } from 'commander'
import * as v from 'valibot'
import { OptionError } from '../errors.ts'
import {
  bprDefaults,
  fusedRates,
  implicitDefaults,
  optimizerDefaults,
  optionsSchema,
  type TrainOptions,
} from '../train/options.ts'
import { numberValue, parseDecimal } from './values.ts'

type Name = keyof typeof optionsSchema.entries

const names = Object.keys(optionsSchema.entries) as Name[]

/** `batchSize` is `--batch-size`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** Adds a flag for each option of a training, made from the options' schema. */
export function addTrainFlags(command: Command): void {
  for (const name of names) command.addOption(trainFlag(name).helpGroup('Model and training:'))
}

/** Bounds what a training holds on the GPU: no option of it, since it has no bearing on the model. */
export function addMemoryFlag(command: Command): void {
  command.addOption(
    new Option(
      '--memory <MiB>',
      'GPU memory that the training may take; entries that do not fit are streamed, to the same model',
    )
      .argParser(numberValue('--memory', 'a number of MiB above 0', memory => memory > 0))
      .helpGroup('Model and training:'),
  )
}

/** The flags and what they mean, for the documentation. */
export function flagTable(): { flag: string; about: string }[] {
  return names.map(name => trainFlag(name)).map(({ flags, description }) => ({ flag: flags, about: description }))
}

/** The training options that stand on the command line; those that do not are left to the library's defaults. */
export function trainOptions(command: Command): TrainOptions {
  const given = names.filter(name => command.getOptionValueSource(name) === 'cli')
  return Object.fromEntries(given.map(name => [name, command.getOptionValue(name)]))
}

function trainFlag(name: Name): Option {
  const entry = optionsSchema.entries[name]
  const schema: v.GenericSchema = entry.wrapped
  const flag = `--${kebab(name)}`
  const about = v.getDescription(schema) ?? ''
  if (schema.type === 'boolean') {
    return new Option(`--no-${kebab(name)}`, `switches off: ${about}`)
  }
  const value = v.getMetadata(schema).value
  const choices = 'options' in schema && schema.type === 'picklist' ? (schema.options as string[]) : undefined
  const placeholder = choices?.join('|') ?? (typeof value === 'string' ? value : 'value')
  const option = new Option(`${flag} <${placeholder}>`, `${about}${defaultOf(name, entry.default)}`)
  return option.argParser(text => {
    const parsed = v.safeParse(schema, choices === undefined ? (parseDecimal(text) ?? text) : text)
    if (parsed.success) return parsed.output
    throw new OptionError(flag, `${flag} ${parsed.issues[0].message}, not ${JSON.stringify(text)}`)
  })
}

function defaultOf(name: Name, value: unknown): string {
  if (value !== undefined) return ` (default: ${String(value)})`
  if (name !== 'learningRate' && name !== 'regularization') return ''
  const batches = Object.entries(optimizerDefaults).map(([optimizer, defaults]) => `${optimizer} ${defaults[name]}`)
  const fused =
    name === 'learningRate'
      ? Object.entries(fusedRates).map(([optimizer, rate]) => `${optimizer} ${rate}`)
      : ['1 in units of the ratings']
  const others =
    name === 'learningRate'
      ? [`bpr: ${bprDefaults.learningRate}`]
      : [
          'als: 1 in units of the ratings',
          `implicit: ${implicitDefaults.unobservedWeight.regularization}, with alpha ${implicitDefaults.alpha.regularization}`,
          `bpr: ${bprDefaults.regularization}`,
        ]
  return ` (default: ${fused.join(', ')}; minibatch: ${batches.join(', ')}; ${others.join('; ')})`
}
