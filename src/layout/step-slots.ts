// An epoch is a sequence of steps, each of which reads a stretch of one or several tables. A slot is a buffer a table that
// takes the stretches of some steps side by side.

/** Words that each step reads, table by table. */
export type StepWords = readonly Uint32Array[]

export interface PlacedWords {
  /** The run of each step, counted in the order of the steps. */
  runOf: Uint32Array
  /** First word of each step among those of its run, table by table. */
  start: readonly Uint32Array[]
  /** Where in the order each run ends. */
  ends: number[]
}

/**
 * Cuts steps into runs, as many in each as have at most `most` words of each table together; a step with more is a run of
 * its own.
 * @param order numbers of the steps, each of them once
 */
export function placeSteps(order: ArrayLike<number>, words: StepWords, most: readonly number[]): PlacedWords {
  const runOf = new Uint32Array(order.length)
  const start = words.map(() => new Uint32Array(order.length))
  const ends: number[] = []
  const filled = words.map(() => 0)
  for (let place = 0; place < order.length; place++) {
    const step = order[place]!
    if (place > 0 && words.some((own, table) => filled[table]! + own[step]! > most[table]!)) {
      ends.push(place)
      filled.fill(0)
    }
    runOf[step] = ends.length
    for (let table = 0; table < words.length; table++) {
      start[table]![step] = filled[table]!
      filled[table]! += words[table]![step]!
    }
  }
  if (order.length > 0) ends.push(order.length)
  return { runOf, start, ends }
}

/** Words of each table that the largest step reads; as many as the smallest buffer has at least. */
export function largestSteps(words: StepWords): number[] {
  return words.map(own => own.reduce((most, count) => Math.max(most, count), smallestBuffer))
}

/** A storage buffer has 16 bytes at least. */
const smallestBuffer = 4

/**
 * Words of each table in a slot of `room` words, which are no fewer than the largest steps': what those read, and of what is
 * left a share by how much there is of the table.
 */
export function shareSlot(words: StepWords, room: number): number[] {
  const largest = largestSteps(words)
  const beyond = words.map((own, table) => Math.max(0, sumOf(own) - largest[table]!))
  const share = Math.min(1, (room - sumOf(largest)) / Math.max(1, sumOf(beyond)))
  return largest.map((most, table) => most + Math.floor(share * beyond[table]!))
}

export function sumOf(numbers: ArrayLike<number>): number {
  let sum = 0
  for (let at = 0; at < numbers.length; at++) sum += numbers[at]!
  return sum
}
