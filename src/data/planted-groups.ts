import type { Random } from './random.ts'

/** Most groups: a group is a byte. */
export const MOST_GROUPS = 256

/** Groups of items, and the centre of each in the space of the factors. */
export interface PlantedGroups {
  /** Group of each item. */
  groups: Uint8Array
  /** groups x k, row-major: the mean over the items is 0, that of the squared length is k. */
  centres: Float64Array
}

/**
 * Divides `items` items over `count` groups at random, and places the groups.
 *
 * The size of group g, from 0, is in proportion to 1 / (g + count / 2), and at least 1: the first is about three times
 * the last. The centres are chosen so that a projection to two dimensions tells the groups apart: in the first two
 * dimensions, which hold most of their variance, they lie on a sunflower's spiral (Vogel, 1979), which covers a disc
 * evenly for any count; in dimension f, from 2, they are Gaussian with half the standard deviation of dimension f - 1.
 * In one dimension the centres are spread evenly over a line.
 * @param count from 2 to the smaller of `items` and `MOST_GROUPS`
 */
export function plantGroups(items: number, count: number, k: number, random: Random): PlantedGroups {
  const sizes = groupSizes(items, count)
  const groups = new Uint8Array(items)
  const order = random.permutation(items)
  for (let g = 0, next = 0; g < count; g++) {
    for (const end = next + sizes[g]!; next < end; next++) groups[order[next]!] = g
  }
  const centres = new Float64Array(count * k)
  for (let g = 0; g < count; g++) centres.set(placeOf(g, count, k, random), g * k)
  standardize(centres, sizes, items, k)
  return { groups, centres }
}

/** One item each, and the others in proportion to 1 / (g + count / 2), rounded by their running sum. */
function groupSizes(items: number, count: number): Uint32Array {
  const weights = Float64Array.from({ length: count }, (_, g) => 1 / (g + count / 2))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const sizes = new Uint32Array(count).fill(1)
  let weight = 0
  let dealt = 0
  for (let g = 0; g < count; g++) {
    weight += weights[g]!
    const due = g === count - 1 ? items - count : Math.round((weight / total) * (items - count))
    sizes[g]! += due - dealt
    dealt = due
  }
  return sizes
}

const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5))

function placeOf(g: number, count: number, k: number, random: Random): number[] {
  if (k === 1) return [g - (count - 1) / 2]
  // The mean square of the radius is 2: one a dimension.
  const radius = 2 * Math.sqrt((g + 0.5) / count)
  const place = [radius * Math.cos(g * GOLDEN_ANGLE), radius * Math.sin(g * GOLDEN_ANGLE)]
  for (let f = 2; f < k; f++) place.push(2 ** (1 - f) * random.normal())
  return place
}

/** Moves the centres so that their mean over the items is 0, and scales them so that their mean square is k. */
function standardize(centres: Float64Array, sizes: Uint32Array, items: number, k: number): void {
  let squares = 0
  for (let f = 0; f < k; f++) {
    let mean = 0
    for (let g = 0; g < sizes.length; g++) mean += (sizes[g]! / items) * centres[g * k + f]!
    for (let g = 0; g < sizes.length; g++) {
      centres[g * k + f]! -= mean
      squares += (sizes[g]! / items) * centres[g * k + f]! ** 2
    }
  }
  const scale = Math.sqrt(k / squares)
  for (let at = 0; at < centres.length; at++) centres[at]! *= scale
}
