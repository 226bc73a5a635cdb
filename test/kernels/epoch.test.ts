import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { batchOrder, packBatches } from '../../src/layout/batches.ts'
import type { Parameters } from '../../src/model/tables.ts'
import { type MinibatchOptions, MinibatchSolver } from '../../src/solvers/minibatch.ts'
import { type ReferenceOptions, ReferenceTraining } from '../reference/epoch.ts'
import { type ReferenceEntry, residual } from '../reference/residuals.ts'
import type { ReferenceModel } from '../reference/score.ts'
import { entriesOf, ratingsOfEntries, skewedEntries } from '../support/batches.ts'
import { useGpu } from '../support/gpu.ts'
import { randomModel } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()

const users = 14
const items = 11
const entryCount = 150

type OptimizerName = ReferenceOptions['optimizer']
const optimizers: OptimizerName[] = ['sgd', 'momentum', 'adagrad', 'adam', 'sparse-adam']

interface Case {
  optimizer: OptimizerName
  factors?: number
  bounded?: boolean
  biases?: boolean
  batchSize?: number
  epochs?: number
  exponent?: number
}

interface Outcome {
  tables: Parameters
  sums: { squaredError: number; penalty: number }[]
}

function problem({ optimizer, factors = 17, bounded = false, biases = true, batchSize = 40, exponent = 1 }: Case) {
  const random = new Random(factors)
  const entries = skewedEntries(random, entryCount, users, items)
  const model = randomModel(random, { users, items, factors, bounded })
  const slow = optimizer === 'sgd' || optimizer === 'momentum' ? 0.1 : 1
  const options: MinibatchOptions = {
    optimizer,
    factors,
    biases,
    batchSize,
    seed: 3,
    penalty: exponent,
    userRegularization: 0.05,
    itemRegularization: 0.03,
    biasRegularization: 0.02,
    userLearningRate: 0.05 * slow,
    itemLearningRate: 0.04 * slow,
    biasLearningRate: 0.03 * slow,
    momentum: 0.5,
    beta1: 0.875,
    beta2: 0.984375,
    // Well above the errors of the gradients, so that a step is a smooth function of them.
    epsilon: 0.125,
  }
  return { entries, model, options, ratings: ratingsOfEntries(entries, users, items) }
}

/** The learning rates are halved after the first epoch, as a schedule would. */
const rateScale = (epoch: number) => (epoch === 0 ? 1 : 0.5)

async function train(kind: Case): Promise<Outcome> {
  const { model, options, ratings } = problem(kind)
  const { mean, bounded, minimum, maximum } = model
  const scale = {
    mean,
    link: bounded ? ('bounded' as const) : ('linear' as const),
    range: { min: minimum, max: maximum },
    clip: true,
  }
  const initial: Parameters = {
    userFactors: Float32Array.from(model.userFactors),
    itemFactors: Float32Array.from(model.itemFactors),
    userBias: Float32Array.from(model.userBias),
    itemBias: Float32Array.from(model.itemBias),
  }
  const solver = await MinibatchSolver.create(device.gpu, ratings, scale, () => initial, options)
  try {
    const sums: Outcome['sums'] = []
    for (let epoch = 0; epoch < (kind.epochs ?? 1); epoch++) {
      const { squaredError, penalty } = await solver.runEpoch({ epoch, rateScale: rateScale(epoch) })
      sums.push({ squaredError, penalty })
    }
    return { tables: await solver.tables.read(device.gpu), sums }
  } finally {
    solver.destroy()
  }
}

/** The same in double precision, by the twin. */
function trainReference(kind: Case): { model: ReferenceModel; sums: Outcome['sums']; steps: number } {
  const { entries, model, options, ratings } = problem(kind)
  const layout = packBatches(ratings, options.batchSize, options.seed)
  const batches = Array.from({ length: layout.batchCount }, (_, batch) => entriesOf(layout, batch))
  const training = new ReferenceTraining(model, { ...options, exponent: kind.exponent ?? 1 }, entries)
  const sums: Outcome['sums'] = []
  for (let epoch = 0; epoch < (kind.epochs ?? 1); epoch++) {
    // Batches are visited in an order drawn for each epoch.
    const order = batchOrder(layout.batchCount, options.seed, epoch)
    sums.push(
      training.epoch(
        Array.from(order, batch => batches[batch]!),
        rateScale(epoch),
      ),
    )
  }
  return { model: training.model, sums, steps: sums.length * batches.length }
}

async function expectEpochs(kind: Case): Promise<void> {
  const actual = await train(kind)
  const { model, sums, steps } = trainReference(kind)
  const { factors, batchSize } = problem(kind).options
  // A step rounds as often as a score has terms and a row has entries; steps pass on what the earlier ones erred by.
  const length = steps * (factors + Math.min(batchSize, 32) + 32)
  for (const table of ['userFactors', 'itemFactors', 'userBias', 'itemBias'] as const) {
    expectClose(table, actual.tables[table], model[table], at => tolerance(length, 1 + Math.abs(model[table][at]!)))
  }
  expectClose(
    'squared error and penalty',
    actual.sums.flatMap(each => [each.squaredError, each.penalty]),
    sums.flatMap(each => [each.squaredError, each.penalty]),
    at => tolerance(length, at % 2 === 0 ? sums[at >> 1]!.squaredError : sums[at >> 1]!.penalty),
  )
}

describe.each(optimizers)('an epoch with %s', optimizer => {
  it.each([1, 7, entryCount])('is that of the reference in batches of %i', async batchSize => {
    await expectEpochs({ optimizer, batchSize })
  })

  it.each([1, 3, 4])('is that of the reference at rank %i', async factors => {
    await expectEpochs({ optimizer, factors })
  })

  it.each([
    { bounded: true, biases: true },
    { bounded: false, biases: false },
    { bounded: true, biases: false },
  ])('is that of the reference, bounded $bounded, biases $biases', async kind => {
    await expectEpochs({ optimizer, ...kind })
  })

  it('is followed by others like those of the reference', async () => {
    await expectEpochs({ optimizer, epochs: 4 })
    await expectEpochs({ optimizer, epochs: 3, bounded: true, batchSize: 7, factors: 3 })
  })

  it('has the same bits each time', async () => {
    const kind: Case = { optimizer, batchSize: 7, epochs: 2 }
    expect(await train(kind)).toEqual(await train(kind))
  })
})

describe('an epoch', () => {
  it('is that of the reference at rank 32', async () => {
    await expectEpochs({ optimizer: 'adagrad', factors: 32 })
  })

  it.each([0, 0.5, 1.5])('has the penalty count^%f of the reference', async exponent => {
    await expectEpochs({ optimizer: 'sgd', exponent, batchSize: 20 })
  })

  it('in one batch is a step down the gradient of the objective', async () => {
    for (const bounded of [false, true]) {
      const kind: Case = { optimizer: 'sgd', factors: 3, bounded, batchSize: entryCount, exponent: 0.5 }
      const { entries, model, options } = problem(kind)
      const { tables } = await train(kind)
      for (const [name, rate] of [
        ['userFactors', options.userLearningRate],
        ['itemFactors', options.itemLearningRate],
        ['userBias', options.biasLearningRate],
        ['itemBias', options.biasLearningRate],
      ] as const) {
        const slopes = Array.from(model[name], (_, at) => slope(model, name, at, m => objective(m, entries, options)))
        // SGD steps on half the objective.
        const expected = slopes.map((value, at) => model[name][at]! - (rate * value) / 2)
        expectClose(name, tables[name], expected, at =>
          tolerance(entryCount, Math.abs(model[name][at]!) + rate * (1 + Math.abs(slopes[at]!))),
        )
      }
    }
  })

  it('leaves rows without entries alone, except with adam', async () => {
    for (const optimizer of optimizers) {
      const { tables } = await train({ optimizer })
      const { model } = problem({ optimizer })
      const last = (rows: ArrayLike<number>) => Array.from(rows).slice(-model.factors)
      if (optimizer === 'adam') expect(last(tables.userFactors)).not.toEqual(last(model.userFactors))
      else expect(last(tables.userFactors)).toEqual(last(model.userFactors))
    }
  })
})

/** sum (r - r_hat)^2 + sum over rows of lambda sqrt(count) |theta|^2 */
function objective(model: ReferenceModel, entries: readonly ReferenceEntry[], options: MinibatchOptions): number {
  const { userRegularization, itemRegularization, biasRegularization } = options
  let sum = 0
  for (const entry of entries) sum += residual(model, entry).squaredError
  const penalize = (rows: ArrayLike<number>, bias: ArrayLike<number>, lambda: number, name: 'user' | 'item') => {
    for (let row = 0; row < bias.length; row++) {
      const root = Math.sqrt(entries.filter(entry => entry[name] === row).length)
      const own = Array.from(rows).slice(row * model.factors, (row + 1) * model.factors)
      sum += root * (lambda * own.reduce((squares, p) => squares + p ** 2, 0) + biasRegularization * bias[row]! ** 2)
    }
  }
  penalize(model.userFactors, model.userBias, userRegularization, 'user')
  penalize(model.itemFactors, model.itemBias, itemRegularization, 'item')
  return sum
}

/** Central difference in one number of one table. */
function slope(
  model: ReferenceModel,
  name: 'userFactors' | 'itemFactors' | 'userBias' | 'itemBias',
  at: number,
  f: (model: ReferenceModel) => number,
): number {
  const h = 1e-5
  const moved = (step: number) => {
    const table = Float64Array.from(model[name])
    table[at]! += step
    return f({ ...model, [name]: table })
  }
  return (moved(h) - moved(-h)) / (2 * h)
}
