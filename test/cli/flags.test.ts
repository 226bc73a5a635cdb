import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { exitCodeOf } from '../../src/cli/exit-codes.ts'
import { Interruption } from '../../src/cli/interruption.ts'
import { addTrainFlags, flagTable, trainOptions } from '../../src/cli/train-flags.ts'
import { parseDecimal } from '../../src/cli/values.ts'
import * as errors from '../../src/errors.ts'
import { optionsSchema, resolveOptions, type TrainOptions } from '../../src/train/options.ts'

function parse(words: readonly string[]): TrainOptions {
  const command = new Command('train').exitOverride()
  addTrainFlags(command)
  command.parse(words, { from: 'user' })
  return trainOptions(command)
}

describe('the flags of a training', () => {
  it('are those of the schema', () => {
    expect(flagTable()).toHaveLength(Object.keys(optionsSchema.entries).length)
    for (const { flag, about } of flagTable()) {
      expect(flag).toMatch(/^--[a-z0-9-]+( <[^>]+>)?$/)
      expect(about.length).toBeGreaterThan(5)
    }
  })

  it('leave everything to the defaults when none is given', () => {
    expect(parse([])).toEqual({})
  })

  it('bring every value of a resolved set of options back', () => {
    const options = resolveOptions({
      optimizer: 'momentum',
      factors: 7,
      epochs: 3,
      learningRate: 0.0125,
      userRegularization: 0,
      penalty: 0.25,
      schedule: 'cosine',
      link: 'bounded',
      biases: false,
      clip: false,
      initStd: 1e-3,
      seed: 4294967295,
    })
    const words = Object.entries(options).flatMap(([name, value]) => {
      const flag = name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
      if (typeof value === 'boolean') return value ? [] : [`--no-${flag}`]
      return [`--${flag}`, String(value)]
    })
    expect(resolveOptions(parse(words))).toEqual(options)
  })

  it('take a penalty by name or as an exponent', () => {
    expect(parse(['--penalty', 'sqrt'])).toEqual({ penalty: 'sqrt' })
    expect(parse(['--penalty', '1.5'])).toEqual({ penalty: 1.5 })
  })

  it('can be switched off', () => {
    expect(parse(['--no-biases', '--no-global-mean', '--no-clip'])).toEqual({
      biases: false,
      globalMean: false,
      clip: false,
    })
  })
})

describe('parseDecimal', () => {
  it.each([
    ['3', 3],
    ['-0.5', -0.5],
    ['+1e-3', 0.001],
    ['.5', 0.5],
    ['5.', 5],
  ])('reads %s', (text, value) => {
    expect(parseDecimal(text)).toBe(value)
  })

  it.each(['', ' ', '3x', '0x10', '0b1', '1e400', '-1e400', 'NaN', 'Infinity', '1,5', '1_000', ' 3', '.', 'e3', '--3'])(
    'refuses %j',
    text => {
      expect(parseDecimal(text)).toBeUndefined()
    },
  )
})

describe('exitCodeOf', () => {
  it.each([
    [new errors.OptionError('k', 'x'), 2],
    [new errors.InputError('x'), 3],
    [new errors.OutputError('x', 'file'), 3],
    [new errors.GpuUnavailableError('x', 'y'), 4],
    [new errors.LimitExceededError('x', 'limit', 2, 1), 4],
    [new errors.OutOfMemoryError('x', 1), 4],
    [new errors.DeviceLostError('x'), 4],
    [new errors.DivergedError(1, 2, { suggestedRate: 3 }, undefined), 5],
    [new errors.AbortedError(1, undefined), 130],
    [new Interruption('SIGINT'), 130],
    [new errors.GpuFailedError('x'), 1],
    [new TypeError('x'), 1],
  ])('%s gives %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code)
  })
})
