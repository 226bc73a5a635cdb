import { Random } from '../data/random.ts'
import type { Ratings } from '../data/ratings.ts'
import { type RowCounts, rowCounts } from '../data/row-counts.ts'
import { type HostThread, type HostThreads, ThreadError } from '../layout/threads.ts'
import type { Parameters } from '../model/tables.ts'
import type { ResolvedOptions } from './options.ts'

type DrawingOptions = Pick<ResolvedOptions, 'factors' | 'biases' | 'initStd' | 'biasInitStd' | 'seed'>

/** What `drawParameters` asks of a thread, which answers with `Parameters`. */
export interface DrawingMessage {
  step: 'draw'
  counts: RowCounts
  options: DrawingOptions
}

/** Numbers for which a thread is started: they take longer than that. */
const leastNumbers = 2 ** 20

/** `initialParameters`, drawn by a thread of the host, where it has some and that pays, while this one goes on. */
export async function drawParameters(
  threads: HostThreads | undefined,
  ratings: Ratings,
  { factors, biases, initStd, biasInitStd, seed }: DrawingOptions,
): Promise<Parameters> {
  const options = { factors, biases, initStd, biasInitStd, seed }
  const numbers = factors * (ratings.userCount + ratings.itemCount)
  if (threads !== undefined && threads.count > 1 && numbers >= leastNumbers) {
    let thread: HostThread | undefined
    try {
      thread = threads.start()
      const message: DrawingMessage = { step: 'draw', counts: rowCounts(ratings), options }
      return (await thread.ask(message)) as Parameters
    } catch (error) {
      if (!(error instanceof ThreadError)) throw error
    } finally {
      thread?.end()
    }
  }
  return initialParameters(ratings, options)
}

/**
 * Initial parameters: factors from N(0, initStd), biases from N(0, biasInitStd). Rows without an entry stay zero, so
 * that they predict what is known without them: the mean and the other side's bias.
 */
export const initialParameters = (ratings: Ratings, options: DrawingOptions): Parameters =>
  drawRowsOf(rowCounts(ratings), options)

/** `initialParameters` by the entries of each row. */
export function drawRowsOf({ users, items }: RowCounts, options: DrawingOptions) {
  const { factors, seed, initStd, biasInitStd } = options
  const biasStd = options.biases ? biasInitStd : 0
  const random = new Random(seed, 0)
  return {
    userFactors: drawRows(random, users, factors, initStd),
    itemFactors: drawRows(random, items, factors, initStd),
    userBias: drawRows(random, users, 1, biasStd),
    itemBias: drawRows(random, items, 1, biasStd),
  }
}

function drawRows(random: Random, counts: Uint32Array, width: number, std: number): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(counts.length * width)
  if (std === 0) return rows
  for (let row = 0; row < counts.length; row++) {
    if (counts[row] === 0) continue
    for (let j = row * width; j < (row + 1) * width; j++) rows[j] = std * random.normal()
  }
  return rows
}
