import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OptionError } from '../../src/errors.ts'
import { optionsSchema, resolveOptions } from '../../src/train/options.ts'

const refused = (options: object) => {
  try {
    resolveOptions(options as never)
  } catch (error) {
    return error as OptionError
  }
  return undefined
}

describe('options', () => {
  it('fills in defaults that depend on other options', () => {
    const adam = resolveOptions({ optimizer: 'adam', regularization: 0.5, itemRegularization: 0.25 })
    expect(adam).toMatchObject({ userRegularization: 0.5, itemRegularization: 0.25, biasRegularization: 0.5 })
    expect(adam.penalty).toBe('frobenius')
    expect(resolveOptions({ learningRate: 0.3 })).toMatchObject({ userLearningRate: 0.3, biasLearningRate: 0.3 })
    expect(resolveOptions()).toMatchObject({ penalty: 'sqrt', learningRate: 0.1, regularization: 1, batchSize: 4096 })
    expect(resolveOptions({ solver: 'minibatch' })).toMatchObject({ penalty: 'weighted', learningRate: 0.05 })
    for (const value of Object.values(resolveOptions())) expect(value).toBeDefined()
  })

  it.each([
    [{}, 'sgd'],
    [{ optimizer: 'sgd' }, 'sgd'],
    [{ optimizer: 'adagrad', workers: 4 }, 'sgd'],
    [{ precision: 'f16' }, 'sgd'],
    [{ optimizer: 'adam' }, 'minibatch'],
    [{ optimizer: 'momentum' }, 'minibatch'],
    [{ batchSize: 512 }, 'minibatch'],
    [{ batchSize: 512, solver: 'sgd' }, 'sgd'],
    [{ model: 'implicit' }, 'als'],
    [{ model: 'bpr', batchSize: 512 }, 'sgd'],
  ] as const)('chooses for %j the solver %s', (options, solver) => {
    expect(resolveOptions(options).solver).toBe(solver)
  })

  it('gives the solver sgd penalties in units of the ratings, where the caller gives none', () => {
    const units = { score: 20, derivative: 20, density: 0.01 }
    expect(resolveOptions({}, units)).toMatchObject({
      regularization: 20,
      userRegularization: 20,
      itemRegularization: 20,
      biasRegularization: 1,
    })
    expect(resolveOptions({ regularization: 3 }, units)).toMatchObject({ itemRegularization: 3, biasRegularization: 3 })
    expect(resolveOptions({ biasRegularization: 2 }, units)).toMatchObject({
      regularization: 20,
      biasRegularization: 2,
    })
    expect(resolveOptions({ solver: 'minibatch' }, units)).toMatchObject({
      regularization: 0.1,
      biasRegularization: 0.1,
    })
  })

  it('draws factors of explicit models in units of the root of the ratings, others without one', () => {
    const units = { score: 20, derivative: 20, density: 0.01 }
    for (const options of [{}, { solver: 'als' }, { solver: 'minibatch' }] as const) {
      expect(resolveOptions(options).initStd).toBe(0.1)
      expect(resolveOptions(options, units).initStd).toBe(0.447)
    }
    expect(resolveOptions({ link: 'bounded' }, units).initStd).toBe(0.1)
    expect(resolveOptions({ model: 'bpr' }, units).initStd).toBe(0.01)
    expect(resolveOptions({ model: 'implicit', factors: 25 }, units).initStd).toBe(0.02)
    expect(resolveOptions({ initStd: 0.3 }, units).initStd).toBe(0.3)
  })

  it('resolves what it has resolved to itself, whatever the data', () => {
    for (const given of [
      { optimizer: 'sgd' },
      { optimizer: 'adam' },
      { optimizer: 'adagrad' },
      { solver: 'als' },
      { model: 'implicit' },
      { model: 'implicit', alpha: 2 },
      { model: 'bpr' },
    ] as const) {
      const once = resolveOptions({ ...given, seed: 4 }, { score: 2, derivative: 3, density: 0.04 })
      expect(resolveOptions(once)).toEqual(once)
    }
  })

  it('takes what solvers without steps resolve to by default, and schedules of bpr', () => {
    const idle = { optimizer: 'adagrad', schedule: 'constant' } as const
    expect(resolveOptions({ solver: 'als', ...idle })).toEqual(resolveOptions({ solver: 'als' }))
    expect(resolveOptions({ model: 'implicit', ...idle })).toEqual(resolveOptions({ model: 'implicit' }))
    const ranking = resolveOptions({ model: 'bpr', penalty: 'weighted', optimizer: 'adagrad', schedule: 'cosine' })
    expect(ranking).toEqual({ ...resolveOptions({ model: 'bpr' }), schedule: 'cosine' })
  })

  it('gives each kind of model defaults of its own', () => {
    const data = { score: 1, derivative: 1, density: 0.04 }
    const implicit = resolveOptions({ model: 'implicit', factors: 25 }, data)
    expect(implicit).toMatchObject({
      solver: 'als',
      biases: false,
      globalMean: false,
      clip: false,
      penalty: 'weighted',
    })
    expect(implicit).toMatchObject({ unobservedWeight: 0.2, initStd: 0.02, epochs: 12, cgSteps: 3, rowSolver: 'cg' })
    const confident = resolveOptions({ model: 'implicit', alpha: 5 }, data)
    expect(confident).toMatchObject({ alpha: 5, penalty: 'frobenius', regularization: 0.01 })
    expect(confident).not.toHaveProperty('unobservedWeight')
    const ranking = resolveOptions({ model: 'bpr' }, data)
    expect(ranking).toMatchObject({ solver: 'sgd', biases: true, globalMean: false, clip: false, negativePower: 0 })
    expect(resolveOptions({ solver: 'als' }, data)).toMatchObject({ model: 'explicit', penalty: 'sqrt', epochs: 12 })
    expect(resolveOptions({}, data)).not.toHaveProperty('cgSteps')
  })

  it.each([
    [{ rnak: 3 }, 'rnak', 'rank' as string | undefined],
    [{ factor: 3 }, 'factor', 'factors'],
    [{ learning_rate: 0.1 }, 'learning_rate', 'learningRate'],
  ])('names the nearest known option for %j', (options, name, nearest) => {
    const error = refused(options)
    expect(error).toBeInstanceOf(OptionError)
    expect(error!.option).toBe(name)
    expect(Object.keys(optionsSchema.entries)).toContain(error!.nearest)
    if (nearest !== 'rank') expect(error!.nearest).toBe(nearest)
  })

  it.each([
    [{ factors: 0 }, 'factors', 'integer from 1 to 512'],
    [{ factors: 513 }, 'factors', 'integer from 1 to 512'],
    [{ factors: 2.5 }, 'factors', 'integer from 1 to 512'],
    [{ factors: '32' }, 'factors', 'integer'],
    [{ factors: Number.NaN }, 'factors', 'integer'],
    [{ learningRate: 0 }, 'learningRate', 'positive'],
    [{ learningRate: Number.POSITIVE_INFINITY }, 'learningRate', 'positive'],
    [{ regularization: -1 }, 'regularization', 'at least 0'],
    [{ optimizer: 'adamw' }, 'optimizer', 'sgd, momentum'],
    [{ penalty: 'l2' }, 'penalty', 'exponent'],
    [{ penalty: 3 }, 'penalty', 'exponent'],
    [{ optimizer: 'adam', penalty: 'weighted' }, 'penalty', 'weight decay'],
    [{ biases: 'no' }, 'biases', 'true or false'],
    [{ seed: -1 }, 'seed', 'integer'],
    [{ validationRatio: 1 }, 'validationRatio', '0 to 0.9'],
    [{ solver: 'svd' }, 'solver', 'sgd, minibatch, als'],
    [{ model: 'implicit', solver: 'sgd' }, 'solver', 'als only'],
    [{ model: 'implicit', solver: 'minibatch' }, 'solver', 'als only'],
    [{ model: 'bpr', solver: 'als' }, 'solver', 'sgd only'],
    [{ model: 'implicit', biases: true }, 'biases', 'implicit'],
    [{ model: 'implicit', globalMean: true }, 'globalMean', 'implicit'],
    [{ model: 'bpr', clip: true }, 'clip', 'bpr'],
    [{ model: 'implicit', link: 'bounded' }, 'link', 'linear'],
    [{ model: 'bpr', penalty: 'sqrt' }, 'penalty', 'knows weighted only'],
    [{ model: 'bpr', penalty: 0.5 }, 'penalty', 'knows weighted only'],
    [{ model: 'bpr', optimizer: 'sgd' }, 'optimizer', 'the model bpr, which takes plain steps'],
    [{ model: 'bpr', optimizer: 'adam' }, 'optimizer', 'the model bpr, which takes plain steps'],
    [{ solver: 'als', optimizer: 'adam' }, 'optimizer', 'the solver als, which solves whole rows'],
    [{ model: 'implicit', optimizer: 'sgd' }, 'optimizer', 'the model implicit, which solves whole rows'],
    [{ solver: 'als', schedule: 'cosine' }, 'schedule', 'the solver als, which has no learning rate'],
    [{ model: 'implicit', schedule: 'bold' }, 'schedule', 'the model implicit, which has no learning rate'],
    [{ model: 'implicit', alpha: 1, unobservedWeight: 0.1 }, 'alpha', 'one of them'],
    [{ model: 'implicit', alpha: 0 }, 'alpha', 'positive'],
    [{ alpha: 1 }, 'alpha', 'the model implicit only'],
    [{ solver: 'als', unobservedWeight: 1 }, 'unobservedWeight', 'the model implicit only'],
    [{ rowSolver: 'cg' }, 'rowSolver', 'the solver als only'],
    [{ solver: 'minibatch', cgSteps: 3 }, 'cgSteps', 'the solver als only'],
    [{ model: 'bpr', cgTolerance: 0 }, 'cgTolerance', 'the solver als only'],
    [{ solver: 'als', negativePower: 1 }, 'negativePower', 'the model bpr only'],
    [{ model: 'bpr', workers: 4 }, 'workers', 'the solver sgd only'],
    [{ solver: 'als', precision: 'f16' }, 'precision', 'solver sgd only'],
    [{ solver: 'als', link: 'bounded' }, 'link', 'linear'],
    [{ solver: 'sgd', optimizer: 'adam' }, 'optimizer', 'sgd and adagrad'],
    [{ optimizer: 'adam', precision: 'f16' }, 'precision', 'solver sgd only'],
    [{ solver: 'minibatch', workers: 8 }, 'workers', 'solver sgd only'],
    [{ optimizer: 'adam', strata: 2 }, 'strata', 'solver sgd only'],
    [{ workers: 0 }, 'workers', 'integer from 1'],
    [{ precision: 'bf16' }, 'precision', 'f32, f16'],
  ])('refuses %j', (options, name, words) => {
    const error = refused(options)
    expect(error).toBeInstanceOf(OptionError)
    expect(error!.option).toBe(name)
    expect(error!.message).toContain(words)
  })

  it('throws nothing but OptionError, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...Object.keys(optionsSchema.entries)), fc.anything())),
        options => {
          const error = refused(options as object)
          if (error !== undefined) expect(error).toBeInstanceOf(OptionError)
        },
      ),
      { seed: 7, numRuns: 300 },
    )
  })
})
