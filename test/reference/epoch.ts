import { type RowEntry, rowGradient } from './gradients.ts'
import { penaltySum } from './penalties.ts'
import { type ReferenceEntry, residual } from './residuals.ts'
import type { ReferenceModel } from './score.ts'
import { penalizedGradient } from './step.ts'
import { stepAdagrad } from './step_adagrad.ts'
import { stepAdam } from './step_adam.ts'
import { stepMomentum } from './step_momentum.ts'
import { stepSgd } from './step_sgd.ts'

export interface ReferenceOptions {
  optimizer: 'sgd' | 'momentum' | 'adagrad' | 'adam' | 'sparse-adam'
  biases: boolean
  /** nu: a row of `count` entries has the penalty lambda count^nu |theta|^2. Not for adam. */
  exponent: number
  userRegularization: number
  itemRegularization: number
  biasRegularization: number
  userLearningRate: number
  itemLearningRate: number
  biasLearningRate: number
  momentum: number
  beta1: number
  beta2: number
  epsilon: number
}

interface Side {
  factors: Float64Array
  bias: Float64Array
  /** What the optimizer remembers of each parameter: k + 1 numbers a row. */
  first: Float64Array
  second: Float64Array
  /** Entries of each row in the whole training set. */
  counts: Float64Array
  lambda: number
  rate: number
}

/**
 * Mini-batch training in double precision, with nothing in mind but the definition. It minimises
 *
 *   sum (r - r_hat)^2 + sum over rows of lambda count^nu |theta|^2
 *
 * by steps on half the sum over a batch; with adam, mean (r - r_hat)^2 + lambda / 2 |theta|^2 by steps on the mean over a
 * batch, in which every row takes part.
 */
export class ReferenceTraining {
  readonly model: ReferenceModel
  readonly #options: ReferenceOptions
  readonly #users: Side
  readonly #items: Side
  readonly #entries: number
  #step = 0

  /** Changes the tables of a copy of `model`. */
  constructor(model: ReferenceModel, options: ReferenceOptions, entries: readonly ReferenceEntry[]) {
    const side = (factors: ArrayLike<number>, bias: ArrayLike<number>, lambda: number, rate: number): Side => ({
      factors: Float64Array.from(factors),
      bias: Float64Array.from(bias),
      first: new Float64Array(factors.length + bias.length),
      second: new Float64Array(factors.length + bias.length),
      counts: new Float64Array(bias.length),
      lambda,
      rate,
    })
    this.#options = options
    this.#users = side(model.userFactors, model.userBias, options.userRegularization, options.userLearningRate)
    this.#items = side(model.itemFactors, model.itemBias, options.itemRegularization, options.itemLearningRate)
    this.#entries = entries.length
    for (const { user, item } of entries) {
      this.#users.counts[user]!++
      this.#items.counts[item]!++
    }
    this.model = {
      ...model,
      userFactors: this.#users.factors,
      itemFactors: this.#items.factors,
      userBias: this.#users.bias,
      itemBias: this.#items.bias,
    }
  }

  /** One pass over the batches in the given order. The squared error is that of each entry as its batch found it. */
  epoch(batches: readonly (readonly ReferenceEntry[])[], rateScale: number): { squaredError: number; penalty: number } {
    let squaredError = 0
    for (const batch of batches) squaredError += this.#batch(batch, rateScale)
    return { squaredError, penalty: this.#penalty(this.#users) + this.#penalty(this.#items) }
  }

  #batch(batch: readonly ReferenceEntry[], rateScale: number): number {
    this.#step++
    let squaredError = 0
    const ofUsers = new Map<number, RowEntry[]>()
    const ofItems = new Map<number, RowEntry[]>()
    for (const entry of batch) {
      const found = residual(this.model, entry)
      squaredError += found.squaredError
      append(ofUsers, entry.user, { other: entry.item, residual: found.residual })
      append(ofItems, entry.item, { other: entry.user, residual: found.residual })
    }
    // Both sides' gradients come from the factors as they were before either steps.
    const userGradients = this.#gradients(ofUsers, this.#items)
    const itemGradients = this.#gradients(ofItems, this.#users)
    this.#stepSide(this.#users, ofUsers, userGradients, batch.length, rateScale)
    this.#stepSide(this.#items, ofItems, itemGradients, batch.length, rateScale)
    return squaredError
  }

  #gradients(rows: Map<number, RowEntry[]>, other: Side): Map<number, Float64Array> {
    const { factors } = this.model
    return new Map([...rows].map(([row, entries]) => [row, rowGradient(entries, other.factors, factors)]))
  }

  #stepSide(
    side: Side,
    rows: Map<number, RowEntry[]>,
    gradients: Map<number, Float64Array>,
    batchLength: number,
    rateScale: number,
  ): void {
    const { optimizer, exponent } = this.#options
    if (optimizer === 'adam') {
      for (let row = 0; row < side.bias.length; row++) {
        this.#stepRow(side, row, gradients.get(row), 2 / batchLength, 1, rateScale)
      }
      return
    }
    for (const [row, entries] of rows) {
      const share = entries.length * side.counts[row]! ** (exponent - 1)
      this.#stepRow(side, row, gradients.get(row), 1, share, rateScale)
    }
  }

  #stepRow(
    side: Side,
    row: number,
    data: Float64Array | undefined,
    scale: number,
    share: number,
    rateScale: number,
  ): void {
    const { factors: k } = this.model
    const { biases, biasRegularization, biasLearningRate } = this.#options
    for (let j = 0; j < k; j++) {
      const at = row * k + j
      const penalty = { scale, lambda: side.lambda, share }
      const gradient = penalizedGradient(data?.[j] ?? 0, penalty, side.factors[at]!)
      const parameter = { theta: side.factors[at]!, gradient, rate: side.rate * rateScale }
      side.factors[at] = this.#stepParameter(side, row * (k + 1) + j, parameter)
    }
    if (!biases) return
    const gradient = penalizedGradient(data?.[k] ?? 0, { scale, lambda: biasRegularization, share }, side.bias[row]!)
    const parameter = { theta: side.bias[row]!, gradient, rate: biasLearningRate * rateScale }
    side.bias[row] = this.#stepParameter(side, row * (k + 1) + k, parameter)
  }

  /** @param slot where the optimizer keeps what it remembers of the parameter */
  #stepParameter(side: Side, slot: number, parameter: { theta: number; gradient: number; rate: number }): number {
    const { optimizer, momentum, epsilon } = this.#options
    const [first, second] = [side.first[slot]!, side.second[slot]!]
    if (optimizer === 'sgd') return stepSgd(parameter)
    if (optimizer === 'momentum') {
      const next = stepMomentum(parameter, first, momentum)
      side.first[slot] = next.velocity
      return next.theta
    }
    if (optimizer === 'adagrad') {
      const next = stepAdagrad(parameter, first, epsilon)
      side.first[slot] = next.squares
      return next.theta
    }
    const next = stepAdam(parameter, { first, second }, this.#options, this.#step)
    side.first[slot] = next.first
    side.second[slot] = next.second
    return next.theta
  }

  #penalty(side: Side): number {
    const { optimizer, exponent, biases, biasRegularization } = this.#options
    // lambda / 2 on the mean over N entries is N lambda / 2 on their sum.
    const weightOf = (count: number) => (count === 0 ? 0 : count ** exponent)
    return penaltySum({
      factors: this.model.factors,
      rows: side.factors,
      bias: biases ? side.bias : undefined,
      weight: side.counts.map(count => (optimizer === 'adam' ? this.#entries / 2 : weightOf(count))),
      factorPenalty: side.lambda,
      biasPenalty: biasRegularization,
    })
  }
}

function append(rows: Map<number, RowEntry[]>, row: number, entry: RowEntry): void {
  const list = rows.get(row)
  if (list === undefined) rows.set(row, [entry])
  else list.push(entry)
}
