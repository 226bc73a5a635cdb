import type { Ratings } from '../data/ratings.ts'
import { rowCounts } from '../data/row-counts.ts'
import { type HostThreads, ThreadError, threadBytes } from '../layout/threads.ts'
import type { Parameters } from '../model/tables.ts'
import {
  type DrawingOptions,
  type DrawnTable,
  initialParameters,
  parameterStream,
  zeroParameters,
} from './initialize.ts'

/** What is asked of a thread: `count` numbers from N(0, std), those of the seed from the one at `first` on. */
export interface DrawingMessage {
  step: 'draw'
  seed: number
  first: number
  count: number
  std: number
}

/** Numbers for which a thread is started: they take longer to draw than that. */
const leastNumbers = 2 ** 20

/** Numbers of a piece. */
const pieceNumbers = 2 ** 19

/** Of the host's threads so many draw at once, while all pack. */
const drawingShare = 1 / 2

const threadsFor = (threads: HostThreads | undefined, numbers: number): number =>
  threads === undefined || threads.count < 2
    ? 0
    : Math.min(Math.floor(drawingShare * threads.count), Math.floor(numbers / leastNumbers))

/** Bytes that threads take to draw so many numbers, beside the parameters. */
export const drawingBytes = (threads: HostThreads | undefined, numbers: number): number =>
  threadsFor(threads, numbers) * (threadBytes + 2 * 4 * pieceNumbers)

/** `initialParameters`, drawn by threads of the host, where it has some and that pays, while this one goes on. */
export async function drawParameters(
  threads: HostThreads | undefined,
  ratings: Ratings,
  options: DrawingOptions,
): Promise<Parameters> {
  const count = threadsFor(threads, options.factors * (ratings.userCount + ratings.itemCount))
  if (count > 0) {
    try {
      return await drawOnThreads(threads!, count, ratings, options)
    } catch (error) {
      if (!(error instanceof ThreadError)) throw error
    }
  }
  return initialParameters(ratings, options)
}

async function drawOnThreads(
  threads: HostThreads,
  count: number,
  ratings: Ratings,
  options: DrawingOptions,
): Promise<Parameters> {
  const { parameters, tables } = zeroParameters(rowCounts(ratings), options)
  const pieces = cutPieces(tables)
  const draw = async () => {
    const thread = threads.start()
    try {
      for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
        const { first, from, to, table } = piece
        const message: DrawingMessage = {
          step: 'draw',
          seed: options.seed,
          first,
          count: (to - from) * table.width,
          std: table.std,
        }
        putRows(table, from, to, (await thread.ask(message)) as Float32Array)
      }
    } finally {
      thread.end()
    }
  }
  const drawn = await Promise.allSettled(Array.from({ length: count }, draw))
  for (const result of drawn) if (result.status === 'rejected') throw result.reason
  return parameters
}

/** The numbers of some of a table's occupied rows. */
interface TablePiece {
  table: DrawnTable
  /** Place of the first number in the stream. */
  first: number
  /** Places of the rows among the occupied ones: the first, and the end. */
  from: number
  to: number
}

function cutPieces(tables: readonly DrawnTable[]): TablePiece[] {
  const pieces: TablePiece[] = []
  let first = 0
  for (const table of tables) {
    const { width, occupied } = table
    const rows = Math.max(1, Math.floor(pieceNumbers / width))
    for (let from = 0; from < occupied.length; from += rows) {
      const to = Math.min(occupied.length, from + rows)
      pieces.push({ table, first, from, to })
      first += (to - from) * width
    }
  }
  return pieces
}

function putRows({ rows, width, occupied }: DrawnTable, from: number, to: number, numbers: Float32Array): void {
  for (let start = from; start < to; ) {
    let end = start + 1
    while (end < to && occupied[end]! === occupied[end - 1]! + 1) end++
    rows.set(numbers.subarray((start - from) * width, (end - from) * width), occupied[start]! * width)
    start = end
  }
}

/** What a thread answers. */
export function drawNumbers({ seed, first, count, std }: DrawingMessage): Float32Array<ArrayBuffer> {
  const random = parameterStream(seed)
  random.skipNormals(first)
  const numbers = new Float32Array(count)
  for (let at = 0; at < count; at++) numbers[at] = std * random.normal()
  return numbers
}
