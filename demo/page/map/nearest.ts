import { type Quadtree, quadtree } from 'd3-quadtree'
import type { Point } from './geometry.ts'

/** Points added to the tree in a frame. */
const SLICE = 2000

/**
 * Finds the point under a pointer. Made of 20,000 points at once the tree would hold up the page, so it grows a slice at a
 * time; until it is whole, points that are not in it yet are not found.
 */
export class PointIndex {
  readonly #tree: Quadtree<number>
  readonly #x: Float32Array
  readonly #y: Float32Array
  readonly #cancel: () => void

  /** @param later runs a function soon, and returns what cancels it */
  constructor(x: Float32Array, y: Float32Array, later: (run: () => void) => () => void) {
    this.#x = x
    this.#y = y
    this.#tree = quadtree<number>(
      [],
      point => x[point]!,
      point => y[point]!,
    ).extent([
      [-1, -1],
      [1, 1],
    ])
    let cancel = () => {}
    let next = 0
    const grow = () => {
      const end = Math.min(x.length, next + SLICE)
      for (; next < end; next++) this.#tree.add(next)
      if (next < x.length) cancel = later(grow)
    }
    grow()
    this.#cancel = () => cancel()
  }

  /** The nearest point within a radius, in the coordinates of the map; of those in one place, that drawn last. */
  find(at: Point, radius: number, allowed: (point: number) => boolean): number | undefined {
    let best: number | undefined
    let reach = radius
    this.#tree.visit((node, left, bottom, right, top) => {
      if (left > at.x + reach || right < at.x - reach || bottom > at.y + reach || top < at.y - reach) return true
      if (node.length === 4) return false
      for (let leaf: typeof node | undefined = node; leaf !== undefined; leaf = leaf.next) {
        const distance = Math.hypot(this.#x[leaf.data]! - at.x, this.#y[leaf.data]! - at.y)
        if (distance > reach || !allowed(leaf.data)) continue
        if (distance === reach && best !== undefined && leaf.data < best) continue
        best = leaf.data
        reach = distance
      }
      return false
    })
    return best
  }

  /** Ends the growing. */
  stop(): void {
    this.#cancel()
  }
}
