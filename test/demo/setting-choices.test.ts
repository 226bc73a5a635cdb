import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Settings } from '../../demo/engine/messages.ts'
import { BOUNDS, DEFAULTS, MODELS, numberProblem, readAddress, SOLVERS, writeAddress } from '../../demo/page/address.ts'
import { FIELDS, isUsed, readField, withModel, withSolver } from '../../demo/page/setting-choices.ts'

const numberIn = ({ least, most, whole }: (typeof BOUNDS)[keyof typeof BOUNDS]): fc.Arbitrary<number> =>
  whole
    ? fc.integer({ min: least, max: most })
    : fc.double({ min: least, max: most, noNaN: true }).map(value => value + 0)

const anySettings: fc.Arbitrary<Settings> = fc
  .record({
    model: fc.constantFrom(...MODELS),
    solver: fc.constantFrom(...SOLVERS),
    factors: numberIn(BOUNDS.factors),
    epochs: numberIn(BOUNDS.epochs),
    rate: fc.option(numberIn(BOUNDS.rate), { nil: undefined }),
    penalty: fc.option(numberIn(BOUNDS.penalty), { nil: undefined }),
    seed: numberIn(BOUNDS.seed),
  })
  .map(made => (made.model === 'implicit' ? { ...made, solver: 'als' as const } : made))
  .map(made => (made.solver === 'als' ? { ...made, rate: undefined } : made))

describe('the address of a run', () => {
  it('gives the settings back', () => {
    fc.assert(
      fc.property(anySettings, numberIn(BOUNDS.movies), (settings, entries) => {
        const read = readAddress(writeAddress(settings, { entries, seed: 1 }))
        expect(read).toEqual({ settings, planting: { entries, seed: 1 }, problems: [] })
      }),
    )
  })

  it('is empty for the defaults', () => {
    const { settings, planting } = readAddress('')
    expect(settings).toEqual({ ...DEFAULTS, rate: undefined, penalty: undefined })
    expect(writeAddress(settings, planting)).toBe('')
  })

  it.each([
    ['factors=0', /^factors="0": must be a whole number from 1 to 512\.$/],
    ['factors=1e400', /factors/],
    ['factors=1.5', /factors/],
    ['epochs=-1', /epochs/],
    ['rate=NaN', /^rate="NaN": must be a number from/],
    ['rate=<img src=x onerror=alert(1)>', /^rate="<img src=x onerror=alert\(1\)>"/],
    ['penalty=Infinity', /penalty/],
    ['seed=4294967296', /seed/],
    ['movies=1e12', /movies/],
    ['solver=__proto__', /^solver="__proto__": expected sgd or adam or als\.$/],
    ['model=toString', /^model="toString": expected explicit or implicit\.$/],
    ['model=implicit&solver=sgd', /implicit models train by als/],
    ['solver=als&rate=0.1', /^rate=0\.1: als takes no steps/],
    [`seed=${'9'.repeat(10_000)}`, /^seed="9{40}…": must be/],
    ['factors=%ED%A0%80', /factors/],
  ])('names what makes no sense and leaves it out: %#', (query, problem) => {
    const { settings, planting, problems } = readAddress(`?${query}`)
    expect(problems).toEqual([expect.stringMatching(problem)])
    expect(readAddress(writeAddress(settings, planting)).problems).toEqual([])
  })

  it('makes valid settings of any text', () => {
    const names = ['model', 'solver', 'movies', ...FIELDS]
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...names), fc.string({ unit: 'binary' }))), pairs => {
        const { settings, planting } = readAddress(`?${new URLSearchParams(pairs)}`)
        for (const name of FIELDS) {
          const value = settings[name]
          if (value !== undefined) expect(numberProblem(name, value)).toBeUndefined()
        }
        expect(numberProblem('movies', planting.entries)).toBeUndefined()
        expect(MODELS).toContain(settings.model)
        expect(settings.model === 'explicit' ? SOLVERS : ['als']).toContain(settings.solver)
        expect(isUsed('rate', settings) || settings.rate === undefined).toBe(true)
      }),
    )
  })
})

describe('readField', () => {
  it.each([
    ['factors', ' 64 ', { value: 64 }],
    ['rate', '1e-3', { value: 0.001 }],
    ['rate', ' ', { value: undefined }],
    ['penalty', '', { value: undefined }],
    ['penalty', '0', { value: 0 }],
  ] as const)('%s "%s"', (name, text, read) => {
    expect(readField(name, text)).toEqual(read)
  })

  it.each([
    ['factors', ''],
    ['epochs', 'ten'],
    ['epochs', '2.5'],
    ['rate', '0'],
    ['rate', '0,01'],
    ['seed', '-1'],
  ] as const)('%s "%s" is wrong', (name, text) => {
    expect(readField(name, text)).toEqual({
      problem: expect.stringMatching(/^This must be a (whole )?number from .* to .*\.$/),
    })
  })
})

describe('choices', () => {
  const settings: Settings = { ...DEFAULTS, rate: 0.1, penalty: 2 }

  it('take the rate and the penalty of another solver back to its defaults', () => {
    expect(withSolver(settings, 'adam')).toEqual({ ...settings, solver: 'adam', rate: undefined, penalty: undefined })
    expect(withSolver(settings, 'sgd')).toBe(settings)
  })

  it('take the usual epochs of a solver along, but no others', () => {
    expect(withSolver(settings, 'als').epochs).toBe(12)
    expect(withSolver(withSolver(settings, 'als'), 'sgd').epochs).toBe(20)
    expect(withSolver({ ...settings, epochs: 33 }, 'als').epochs).toBe(33)
  })

  it('train what was used by ALS, and ratings by the solver before', () => {
    const used = withModel({ ...settings, solver: 'adam' }, 'implicit', 'adam')
    expect(used).toMatchObject({ model: 'implicit', solver: 'als', epochs: 12, penalty: undefined })
    expect(withModel(used, 'explicit', 'adam')).toMatchObject({ model: 'explicit', solver: 'adam', epochs: 20 })
  })
})
