import { expect } from 'vitest'

/** Distance from 1 to the next f32. */
export const epsilon = 2 ** -23

/**
 * How far an f32 result may lie from the exact one. Every rounding of an intermediate result errs by at most half an
 * epsilon of it (WGSL grants a few operations more), and so a sum of terms t_j, whichever way it is added up, by
 *
 *   length * epsilon * sum |t_j|
 *
 * where `length` counts the roundings that one term passes through at most: the additions on its way to the result, and
 * the operations that made it (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2).
 *
 * @param length roundings on the longest way from an input to the result
 * @param magnitude the sum of the absolute terms
 */
export function tolerance(length: number, magnitude: number): number {
  const smallestNormal = 2 ** -126 // numbers below it may be flushed to zero
  return length * (epsilon * magnitude + smallestNormal)
}

/** Roundings that WGSL grants a sigmoid of `score`: exp(x) errs by 3 + 2 |x| units in the last place, a division by 2.5. */
export const sigmoidLength = (score: number): number => 3 + 2 * Math.abs(score) + 2.5 + 1

/**
 * Compares each number with what is expected of it; on failure a table shows the first of those that differ.
 * @param within the tolerance of each: see `tolerance`
 */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  within: (index: number) => number,
): void {
  expect(actual.length, `length of ${what}`).toBe(expected.length)
  const rows: string[] = []
  let failures = 0
  for (let index = 0; index < expected.length; index++) {
    const difference = actual[index]! - expected[index]!
    const allowed = within(index)
    // Written so that a NaN fails.
    if (Math.abs(difference) <= allowed) continue
    failures++
    if (rows.length < 12) rows.push(row(index, actual[index]!, expected[index]!, difference, allowed))
  }
  if (failures === 0) return
  const head = row('index', 'actual', 'expected', 'difference', 'tolerance')
  expect.fail(`${what}: ${failures} of ${expected.length} differ\n${[head, ...rows].join('\n')}`)
}

const row = (...cells: (number | string)[]): string =>
  cells
    .map(cell =>
      (Number.isInteger(cell) || typeof cell === 'string' ? String(cell) : (cell as number).toExponential(8)).padStart(
        17,
      ),
    )
    .join('')
