import { solveDense } from './als_cholesky.ts'

/** An alternating least squares problem with all cells of its matrix, in double precision. */
export interface DenseProblem {
  users: number
  items: number
  entries: { user: number; item: number; value: number }[]
  factors: number
  biases: boolean
  mean: number
  implicit: { alpha: number } | { unobservedWeight: number } | undefined
  /** nu */
  exponent: number
  userPenalty: number
  itemPenalty: number
  biasPenalty: number
}

export interface DenseParameters {
  userFactors: Float64Array<ArrayBuffer>
  itemFactors: Float64Array<ArrayBuffer>
  userBias: Float64Array<ArrayBuffer>
  itemBias: Float64Array<ArrayBuffer>
}

interface Cell {
  user: number
  item: number
  weight: number
  target: number
}

/** Every cell that has a weight, as weight (target - prediction)^2. */
function cellsOf({ users, items, entries, mean, implicit }: DenseProblem): Cell[] {
  if (implicit === undefined)
    return entries.map(({ user, item, value }) => ({ user, item, weight: 1, target: value - mean }))
  const cells: Cell[] = []
  const background = 'alpha' in implicit ? 1 : implicit.unobservedWeight
  const values = new Map(entries.map(({ user, item, value }) => [user * items + item, value]))
  for (let user = 0; user < users; user++) {
    for (let item = 0; item < items; item++) {
      const value = values.get(user * items + item)
      const preference = value !== undefined && value > 0 ? 1 : 0
      if (value === undefined) cells.push({ user, item, weight: background, target: 0 })
      else if ('alpha' in implicit)
        cells.push({ user, item, weight: 1 + implicit.alpha * Math.abs(value), target: preference })
      else cells.push({ user, item, weight: 1, target: preference }, { user, item, weight: background, target: 0 })
    }
  }
  return cells
}

function weightsOf({ users, items, entries, implicit, exponent }: DenseProblem) {
  const background = implicit !== undefined && 'unobservedWeight' in implicit ? implicit.unobservedWeight : 0
  const weights = (count: number, other: number, side: 'user' | 'item') =>
    Array.from({ length: count }, (_, row) => {
      const own = entries.filter(entry => entry[side] === row).length
      return own === 0 ? 0 : (own + background * other) ** exponent
    })
  return { user: weights(users, items, 'user'), item: weights(items, users, 'item') }
}

/** One iteration: users, then items, each row by its normal equations. */
export function alsEpoch(problem: DenseProblem, start: DenseParameters): DenseParameters {
  const { factors, biases } = problem
  const cells = cellsOf(problem)
  const weights = weightsOf(problem)
  const parameters = {
    userFactors: start.userFactors.slice(),
    itemFactors: start.itemFactors.slice(),
    userBias: start.userBias.slice(),
    itemBias: start.itemBias.slice(),
  }
  for (const [own, other] of [
    ['user', 'item'],
    ['item', 'user'],
  ] as const) {
    const table = parameters[`${own}Factors`]
    const fixed = parameters[`${other}Factors`]
    const penalty = problem[`${own}Penalty`]
    const cellsOfRow = weights[own].map((): Cell[] => [])
    for (const cell of cells) cellsOfRow[cell[own]]!.push(cell)
    weights[own].forEach((weight, row) => {
      if (weight === 0) return
      const width = factors + Number(biases)
      const a = Array.from({ length: width }, (_, i) =>
        Array.from({ length: width }, (_, j) => (i === j ? weight * (i < factors ? penalty : problem.biasPenalty) : 0)),
      )
      const b = new Array<number>(width).fill(0)
      for (const cell of cellsOfRow[row]!) {
        const q = [...fixed.subarray(cell[other] * factors, (cell[other] + 1) * factors), ...(biases ? [1] : [])]
        const target = cell.target - parameters[`${other}Bias`][cell[other]]!
        for (let i = 0; i < width; i++) {
          b[i]! += cell.weight * target * q[i]!
          for (let j = 0; j < width; j++) a[i]![j]! += cell.weight * q[i]! * q[j]!
        }
      }
      const x = solveDense(a, b)
      table.set(x.slice(0, factors), row * factors)
      if (biases) parameters[`${own}Bias`][row] = x[factors]!
    })
  }
  return parameters
}

/** What is minimised: the weighted squared errors of all cells, and the penalties. */
export function alsObjective(problem: DenseProblem, parameters: DenseParameters): { data: number; penalty: number } {
  const { factors } = problem
  const weights = weightsOf(problem)
  let data = 0
  for (const { user, item, weight, target } of cellsOf(problem)) {
    let prediction = parameters.userBias[user]! + parameters.itemBias[item]!
    for (let j = 0; j < factors; j++) {
      prediction += parameters.userFactors[user * factors + j]! * parameters.itemFactors[item * factors + j]!
    }
    data += weight * (target - prediction) ** 2
  }
  let penalty = 0
  for (const side of ['user', 'item'] as const) {
    weights[side].forEach((weight, row) => {
      const p = parameters[`${side}Factors`].subarray(row * factors, (row + 1) * factors)
      penalty += weight * problem[`${side}Penalty`] * p.reduce((sum, value) => sum + value ** 2, 0)
      penalty += weight * problem.biasPenalty * parameters[`${side}Bias`][row]! ** 2
    })
  }
  return { data, penalty }
}
