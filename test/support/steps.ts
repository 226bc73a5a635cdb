import { expect } from 'vitest'
import { Random } from '../../src/data/random.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { ScalarValues } from '../../src/gpu/struct.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import type { StepKernel } from '../../src/kernels/steps.ts'
import { sideStruct } from '../../src/kernels/structs.ts'
import { type BatchLayout, packBatches, runBounds } from '../../src/layout/batches.ts'
import { padRows } from '../../src/layout/padding.ts'
import { type Parameter, penalizedGradient } from '../reference/step.ts'
import { entriesOf, ratingsOfEntries, type SideName, segmentsOf, sideBatch, skewedEntries } from './batches.ts'
import { runKernel } from './run-kernel.ts'
import { normals } from './scoring.ts'
import { expectClose, tolerance } from './tolerance.ts'

type SideValues = ScalarValues<typeof sideStruct.fields>

/** The `Side` uniform; what is not given is a NaN, so that a kernel that reads it shows. */
export function packSide(values: Partial<SideValues>): ArrayBuffer {
  const names = Object.keys(sideStruct.fields)
  const unset = Object.fromEntries(names.map(name => [name, Number.NaN])) as unknown as SideValues
  return sideStruct.pack({ ...unset, ...values })
}

export interface StepShape {
  /** k */
  factors: number
  biases: boolean
  side?: SideName
  /** Entries of the batch; most rows have a few, one a third of them. */
  entries?: number
  seed?: number
}

/** Values of the uniforms, all of them f32. */
const hyper = {
  factor_rate: Math.fround(0.3),
  bias_rate: Math.fround(0.2),
  factor_penalty: Math.fround(0.05),
  bias_penalty: Math.fround(0.02),
  momentum: Math.fround(0.7),
  beta_1: Math.fround(0.8),
  beta_2: Math.fround(0.95),
  epsilon: Math.fround(0.01),
}
const gradientScale = 0.5
const rate = 0.25

/** t of the step, for Adam's corrections. */
const stepNumber = 3

/** An optimizer as the tests know it. */
export interface StepTwin {
  kernel: StepKernel
  /** Names of its state tables. */
  states: readonly string[]
  /** Whether every row steps, on weight decay rather than on a penalty by counts. */
  dense?: boolean
  /** The twin: one parameter and its state, to the next ones. */
  step(
    parameter: Parameter,
    state: readonly number[],
    hyper: { momentum: number; beta1: number; beta2: number; epsilon: number; step: number },
  ): { theta: number; state: readonly number[] }
}

export interface StepProblem {
  layout: BatchLayout
  batch: number
  side: SideName
  rows: number
  shape: StepShape
  factors: Float32Array<ArrayBuffer>
  bias: Float32Array<ArrayBuffer>
  weights: Float32Array<ArrayBuffer>
  /** A row of k + 1 for each segment of the batch. */
  gradient: Float32Array<ArrayBuffer>
  /** For each state, k + 1 a row; not negative. */
  states: Float32Array<ArrayBuffer>[]
}

/** A step over the middle one of three batches, from tables, gradients and state that are all random. */
export function stepProblem(twin: StepTwin, shape: StepShape): StepProblem {
  const { factors, side = 'users', entries = 120, seed = 1 } = shape
  const random = new Random(seed)
  const [users, items] = [37, 29]
  const rows = side === 'users' ? users : items
  const ratings = ratingsOfEntries(skewedEntries(random, 3 * entries, users, items), users, items)
  const layout = packBatches(ratings, entries, seed)
  const segments = segmentsOf(entriesOf(layout, 1), side)
  return {
    layout,
    batch: 1,
    side,
    rows,
    shape,
    factors: normals(random, rows * factors),
    bias: normals(random, rows),
    weights: normals(random, 2 * rows).map(Math.abs),
    gradient: normals(random, segments.length * (factors + 1)),
    states: twin.states.map(() => normals(random, rows * (factors + 1)).map(Math.abs)),
  }
}

/** Rows of k + 1 to padded rows of whole vec4s: factors, and with biases one more vec4. */
function padParameters(tight: Float32Array, factors: number, biases: boolean): Float32Array<ArrayBuffer> {
  const width = 4 * (factorBlocks(factors) + Number(biases))
  const rows = tight.length / (factors + 1)
  const padded = new Float32Array(rows * width)
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < factors; j++) padded[row * width + j] = tight[row * (factors + 1) + j]!
    if (biases) padded[row * width + width - 4] = tight[row * (factors + 1) + factors]!
  }
  return padded
}

export interface Stepped {
  /** rows x 4 FACTOR_BLOCKS */
  factors: Float32Array
  bias: Float32Array
  /** For each state, rows x 4 PARAMETER_BLOCKS. */
  states: Float32Array[]
}

export async function runStep(gpu: Gpu, twin: StepTwin, problem: StepProblem): Promise<Stepped> {
  const { layout, batch, side, rows, shape, bias, weights, gradient } = problem
  const { factors, biases } = shape
  const blocks = factorBlocks(factors)
  const parameterBlocks = blocks + Number(biases)
  const { runs, segments } = layout[side]
  const stepping = twin.dense ? rows : runBounds(layout[side], batch, 0)[1]
  const window = {
    gradient_scale: gradientScale,
    rate,
    correction_1: 1 - hyper.beta_1 ** stepNumber,
    correction_2: 1 - hyper.beta_2 ** stepNumber,
  }
  const result = await runKernel(gpu, twin.kernel, {
    constants: { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: parameterBlocks },
    workgroups: Math.ceil((stepping * parameterBlocks) / workgroupSize),
    buffers: {
      runs,
      segments,
      gradient: padParameters(gradient, factors, biases),
      weights,
      factors: padRows(problem.factors, rows, factors),
      bias,
      batch: sideBatch(layout, batch, side, window),
      side: packSide({ ...hyper, rows }),
      ...Object.fromEntries(twin.states.map((name, s) => [name, padParameters(problem.states[s]!, factors, biases)])),
    },
  })
  return {
    factors: result.floats('factors').slice(),
    bias: result.floats('bias').slice(),
    states: twin.states.map(name => result.floats(name).slice()),
  }
}

/** Runs the kernel and compares every number of every table, padding and rows at rest included, with the twin's. */
export async function expectStep(gpu: Gpu, twin: StepTwin, shape: StepShape): Promise<void> {
  const problem = stepProblem(twin, shape)
  const { layout, batch, side, rows, bias, weights, gradient } = problem
  const { factors: k, biases } = shape
  const actual = await runStep(gpu, twin, problem)

  const width = 4 * factorBlocks(k)
  const stateWidth = width + 4 * Number(biases)
  const expected = {
    factors: Float64Array.from(padRows(problem.factors, rows, k)),
    bias: Float64Array.from(bias),
    states: problem.states.map(state => Float64Array.from(padParameters(state, k, biases))),
  }
  // What is not stepped stays as it is, to the bit.
  const within = {
    factors: new Float64Array(expected.factors.length),
    bias: new Float64Array(rows),
    states: problem.states.map(state => new Float64Array(padParameters(state, k, biases).length)),
  }
  const segments = segmentsOf(entriesOf(layout, batch), side)
  const count = k + Number(biases)
  for (let row = 0; row < rows; row++) {
    const own = segments.flatMap((segment, s) => (segment.row === row ? [{ s, segment }] : []))
    if (own.length === 0 && !twin.dense) continue
    const entries = own.reduce((sum, { segment }) => sum + segment.positions.length, 0)
    for (let j = 0; j < count; j++) {
      const isBias = j === k
      const theta = isBias ? bias[row]! : problem.factors[row * k + j]!
      const terms = own.map(({ s }) => gradient[s * (k + 1) + j]!)
      const lambda = isBias ? hyper.bias_penalty : hyper.factor_penalty
      const share = twin.dense ? 1 : weights[2 * row]! * entries
      const penalty = { scale: gradientScale, lambda, share }
      const g = penalizedGradient(sum(terms), penalty, theta)
      const ownRate = rate * (isBias ? hyper.bias_rate : hyper.factor_rate)
      const before = problem.states.map(state => state[row * (k + 1) + j]!)
      const take = (gradientValue: number, state: readonly number[]) =>
        twin.step({ theta, gradient: gradientValue, rate: ownRate }, state, {
          momentum: hyper.momentum,
          beta1: hyper.beta_1,
          beta2: hyper.beta_2,
          epsilon: hyper.epsilon,
          step: stepNumber,
        })
      const after = take(g, before)
      // What the roundings in the gradient and in the state's decay do to the step's results, and its own operations.
      const ofGradient = tolerance(
        terms.length + 4,
        penalizedGradient(sum(terms.map(Math.abs)), penalty, Math.abs(theta)),
      )
      const moved = [
        take(g + ofGradient, before),
        ...before.map((value, s) => take(g, before.with(s, value + tolerance(4, value)))),
      ]
      const operations = 12
      const bound = (at: (result: { theta: number; state: readonly number[] }) => number, magnitude: number) =>
        sum(moved.map(result => 2 * Math.abs(at(result) - at(after)))) + tolerance(operations, magnitude)
      const thetaBound = bound(result => result.theta, Math.abs(theta) + Math.abs(after.theta - theta))
      if (isBias) {
        expected.bias[row] = after.theta
        within.bias[row] = thetaBound
      } else {
        expected.factors[row * width + j] = after.theta
        within.factors[row * width + j] = thetaBound
      }
      const slot = row * stateWidth + (isBias ? width : j)
      before.forEach((old, s) => {
        expected.states[s]![slot] = after.state[s]!
        within.states[s]![slot] = bound(result => result.state[s]!, Math.abs(old) + Math.abs(after.state[s]! - old))
      })
    }
  }
  expectClose('factors', actual.factors, expected.factors, at => within.factors[at]!)
  expectClose('bias', actual.bias, expected.bias, at => within.bias[at]!)
  twin.states.forEach((name, s) => {
    expectClose(name, actual.states[s]!, expected.states[s]!, at => within.states[s]![at]!)
  })
  expect(actual.factors).not.toEqual(padRows(problem.factors, rows, k))
}

const sum = (terms: readonly number[]): number => terms.reduce((total, term) => total + term, 0)
