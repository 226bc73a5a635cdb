import { describe, expect, it } from 'vitest'
import { busy, faultOf, outcomeOf } from '../../demo/engine/faults.ts'
import {
  AbortedError,
  DeviceLostError,
  DivergedError,
  GpuUnavailableError,
  InputError,
  LimitExceededError,
  OptionError,
  OutOfMemoryError,
} from '../../src/index.ts'

const summary = { source: 'trained', name: 'x', kind: 'explicit', users: 1, items: 1, factors: 1, bytes: 1 } as const

describe('faults', () => {
  it('say of a missing GPU what a visitor can do, without words of Node', () => {
    const without = faultOf(new GpuUnavailableError('WebGPU is not available here', 'in Node use openGpu'))
    const none = faultOf(new GpuUnavailableError('no GPU adapter was found', 'npx lowrank doctor'))
    expect([without.kind, none.kind]).toEqual(['no-gpu', 'no-gpu'])
    expect(without.message).toContain('https')
    expect(none.message).toContain('chrome://gpu')
    expect(without.message + none.message).not.toMatch(/npx|Node|doctor/)
  })

  it('give a lost device the epoch that is kept', () => {
    expect(faultOf(new DeviceLostError('gone'))).toEqual({
      kind: 'device-lost',
      message: 'The browser lost the GPU (gone).',
    })
    const kept = { epoch: 3, model: summary }
    expect(faultOf(new DeviceLostError('gone.'), { kept })).toEqual({
      kind: 'device-lost',
      message: 'The browser lost the GPU (gone). The model as of epoch 3 is kept.',
      keptEpoch: 3,
      keptModel: summary,
    })
  })

  it('suggest the most factors that fit a limit, where the error does not know them by proportion, in fours', () => {
    const known = new LimitExceededError('entries', 'maxStorageBufferBindingSize', 1000, 790, 'take fewer', 20)
    expect(faultOf(known, { factors: 64 })).toMatchObject({ needed: 1000, available: 790, suggestedFactors: 20 })
    const limit = new LimitExceededError('user-factors', 'maxStorageBufferBindingSize', 1000, 790)
    expect(faultOf(limit, { factors: 64 })).toMatchObject({ needed: 1000, available: 790, suggestedFactors: 48 })
    expect(faultOf(limit, { factors: 4 }).suggestedFactors).toBeUndefined()
    expect(faultOf(limit).suggestedFactors).toBeUndefined()
  })

  it('suggest none where factors are not what is too large, and no bytes where the limit counts something else', () => {
    const entries = new LimitExceededError('entries', 'maxBufferSize', 1000, 790)
    expect(faultOf(entries, { factors: 64 })).toMatchObject({ kind: 'limit', needed: 1000 })
    expect(faultOf(entries, { factors: 64 }).suggestedFactors).toBeUndefined()
    const groups = faultOf(new LimitExceededError('a dispatch', 'maxComputeWorkgroupsPerDimension^2', 9, 4))
    expect(groups).toEqual({ kind: 'limit', message: expect.stringContaining('9') })
  })

  it('suggest half the factors where memory is short', () => {
    const memory = faultOf(new OutOfMemoryError('item-factors', 5000), { factors: 50 })
    expect(memory).toMatchObject({ kind: 'memory', needed: 5000, suggestedFactors: 24 })
    const array = faultOf(new RangeError('Array buffer allocation failed'), { factors: 128 })
    expect(array).toMatchObject({ kind: 'memory', suggestedFactors: 64 })
    expect(faultOf(new RangeError('Invalid typed array length: 99999999999')).kind).toBe('memory')
    expect(faultOf(new RangeError('index 7 is outside of 3 ids')).kind).toBe('defect')
  })

  it('suggest a rate, or name the row, where a training diverges', () => {
    const rate = faultOf(new DivergedError(2, 1e9, { suggestedRate: 0.02 }, undefined))
    expect(rate).toMatchObject({ kind: 'diverged', suggestedRate: 0.02 })
    expect(rate.message).toContain('epoch 3')
    const row = faultOf(new DivergedError(0, Number.NaN, { row: { side: 'items', row: 4, id: 'abc' } }, undefined))
    expect(row.message).toContain('item abc')
    expect(row.suggestedRate).toBeUndefined()
  })

  it('part an input error into its place and its problem', () => {
    const place = { file: 'a.csv', line: 7, text: '1,2,x' }
    expect(faultOf(new InputError('the rating "x" is not a number', place))).toEqual({
      kind: 'input',
      message: 'The rating "x" is not a number.',
      ...place,
    })
    expect(faultOf(new InputError('the file is empty', { file: 'a.csv' }))).toEqual({
      kind: 'input',
      message: 'The file is empty.',
      file: 'a.csv',
    })
    expect(faultOf(new InputError('there are no ratings'))).toEqual({ kind: 'input', message: 'There are no ratings.' })
  })

  it('know the other errors', () => {
    expect(faultOf(new OptionError('factors', '"factors" must be positive'))).toMatchObject({ option: 'factors' })
    expect(faultOf(new AbortedError(1, undefined)).kind).toBe('busy')
    expect(faultOf(new DOMException('gone', 'NotReadableError')).kind).toBe('input')
    expect(faultOf(new TypeError('x is not a function'))).toEqual({ kind: 'defect', message: 'x is not a function' })
    expect(faultOf('words')).toEqual({ kind: 'defect', message: 'words' })
  })

  it('stand in the outcome of what failed', async () => {
    expect(await outcomeOf(() => 7)).toEqual({ ok: true, value: 7 })
    const fault = { kind: 'busy', message: 'Wait.' }
    expect(await outcomeOf(() => Promise.reject(busy('Wait.')))).toEqual({ ok: false, fault })
  })
})
