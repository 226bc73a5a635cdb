import { InputError } from '../errors.ts'
import { integerKind, isBlank } from './fields.ts'
import { type ReadCounts, type ReadSettings, unsafeInteger } from './options.ts'
import { decodeLoosely, shownLine } from './text.ts'

/** The bad rows of a text file: the first one throws, or all are left out and counted. */
export class BadRows implements ReadCounts {
  skipped = 0
  firstSkipped: InputError | undefined
  readonly #file: string
  readonly #skips: boolean

  constructor(file: string, { onBadRow }: ReadSettings) {
    this.#file = file
    this.#skips = onBadRow === 'skip'
  }

  /** Throws or counts a bad row; empty lines are none. `number` counts lines from 1. */
  reject(line: Uint8Array, number: number, problem: string): void {
    if (line.every(isBlank)) return
    if (this.#skips) this.skipped++
    if (this.firstSkipped !== undefined) return
    const error = new InputError(problem, { file: this.#file, line: number, text: shownLine(line) })
    if (!this.#skips) throw error
    this.firstSkipped = error
  }
}

/** What is wrong with the bytes of an id, if anything. */
export function idProblem(role: string, bytes: Uint8Array, wanted: ReadSettings['ids']): string | undefined {
  if (bytes.length === 0) return `the ${role} id is empty`
  if (bytes.indexOf(0) >= 0) return `the ${role} id holds a zero byte`
  if (wanted !== 'integer') return undefined
  const text = decodeLoosely(bytes)
  const kind = integerKind(text)
  if (kind === 'unsafe') return unsafeInteger(role, text)
  return kind === 'none' ? `expected an integer without leading zeros as ${role} id` : undefined
}

/** What is wrong with a rating whose text gave `value`, which is no finite f32. */
export function ratingProblem(value: number, bytes: Uint8Array): string {
  const text = decodeLoosely(bytes)
  if (Number.isNaN(value) && !/^[+-]?(nan|inf|infinity)$/i.test(text)) {
    return `expected a number as rating, found ${JSON.stringify(text.slice(0, 40))}`
  }
  return Number.isNaN(value) ? 'the rating is not finite' : 'the rating is beyond the range of a 32-bit float'
}
