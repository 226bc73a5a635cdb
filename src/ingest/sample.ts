import { InputError } from '../errors.ts'
import { shownLine, TOO_LONG } from './text.ts'

/** Lines that decide what a text file is. */
const SAMPLE = 200

export interface SampleLine {
  /** Counted from 1. */
  line: number
  bytes: Uint8Array
}

/**
 * The first lines that are not empty, without their ends.
 * @param head the first bytes, without a byte order mark
 * @param whole whether `head` is all there is
 * @throws InputError where there are none.
 */
export function sampleLines(head: Uint8Array, whole: boolean, file: string): SampleLine[] {
  if (head.indexOf(0) >= 0) throw new InputError('the file is binary; expected text or Parquet', { file })
  const lines: SampleLine[] = []
  let line = 1
  for (let start = 0; start < head.length && lines.length < SAMPLE; line++) {
    const feed = head.indexOf(0x0a, start)
    if (feed < 0 && !whole) break
    const end = feed < 0 ? head.length : feed
    const bytes = head.subarray(start, head[end - 1] === 0x0d && end > start ? end - 1 : end)
    if (bytes.some(byte => byte !== 0x20 && byte !== 0x09)) lines.push({ line, bytes })
    start = end + 1
  }
  if (lines.length > 0) return lines
  if (whole) throw new InputError('the file holds only empty lines; expected ratings', { file })
  throw new InputError(TOO_LONG, { file, line, text: shownLine(head) })
}

/** The commonest of some numbers; of equally common ones the first. */
export function commonest(numbers: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1)
  let best = numbers[0] ?? 0
  for (const [number, count] of counts) if (count > counts.get(best)!) best = number
  return best
}
