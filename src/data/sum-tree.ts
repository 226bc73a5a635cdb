import type { Random } from './random.ts'

/**
 * Draws indices without replacement, each with probability proportional to its weight among those still there
 * (successive sampling): a binary tree whose nodes hold the sums of their children. A draw costs O(log n) whatever the
 * weights. Every node is always computed from its two children, so that `putBack` restores the same bits.
 */
export class SumTree {
  readonly #weights: Float64Array
  readonly #leaves: number
  /** Node v has the children 2v and 2v + 1; the leaves start at `#leaves`. */
  readonly #nodes: Float64Array

  /** Weights are positive, one for each of the indices from 0. */
  constructor(weights: Float64Array) {
    this.#weights = weights
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(weights.length, 1)))
    this.#nodes = new Float64Array(2 * this.#leaves)
    this.#nodes.set(weights, this.#leaves)
    for (let v = this.#leaves - 1; v > 0; v--) this.#nodes[v] = this.#nodes[2 * v]! + this.#nodes[2 * v + 1]!
  }

  /** Draws an index and takes it out. The tree must not be empty. */
  take(random: Pick<Random, 'uniform'>): number {
    const nodes = this.#nodes
    const leaves = this.#leaves
    let rest = random.uniform() * nodes[1]!
    let v = 1
    while (v < leaves) {
      v *= 2
      const left = nodes[v]!
      // Rounding can carry `rest` up to the whole sum of a node: a child without weight is never entered.
      if (left > 0 && (rest < left || nodes[v + 1] === 0)) continue
      rest -= left
      v++
    }
    this.#set(v, 0)
    return v - leaves
  }

  putBack(index: number): void {
    this.#set(this.#leaves + index, this.#weights[index]!)
  }

  #set(leaf: number, weight: number): void {
    const nodes = this.#nodes
    nodes[leaf] = weight
    for (let v = leaf >>> 1; v > 0; v >>>= 1) nodes[v] = nodes[2 * v]! + nodes[2 * v + 1]!
  }
}
