import { InputError, OptionError } from '../../errors.ts'
import { type ColumnRoles, chosenRoles, usualRoles } from './column-roles.ts'
import { parseNumber, parseTime, splitQuoted } from './fields.ts'
import type { ReadSettings } from './options.ts'
import { decodeLoosely, LONGEST_LINE, shownLine } from './text.ts'

/** How a delimited text file is laid out. */
export interface Dialect {
  delimiter: string
  /** Whether the first line that is not empty holds names. */
  header: boolean
  /** Number of fields of every line. */
  fields: number
  roles: ColumnRoles
}

/** In the order of preference between delimiters that fit equally well. */
const DELIMITERS = { auto: ['\t', '::', ';', ',', ' '], csv: [';', ','], tsv: ['\t'], dat: ['::'] } as const

/** Lines that decide. */
const SAMPLE = 200

interface SampleLine {
  /** Counted from 1. */
  line: number
  bytes: Uint8Array
}

/**
 * Finds out a file's layout from its first lines.
 * @param head the first bytes, without a byte order mark
 * @param whole whether `head` is all there is
 * @throws InputError where they hold no ratings, OptionError where options contradict each other.
 */
export function detectDialect(head: Uint8Array, whole: boolean, settings: ReadSettings, file: string): Dialect {
  const sample = sampleLines(head, whole, file)
  const first = sample[0]!
  const delimiter = settings.delimiter ?? detectDelimiter(sample, settings, file)
  const rows = sample.map(({ bytes }) => splitText(bytes, delimiter))
  const names = (rows[0] ?? []).map(name => name.trim())
  const fields = commonest(rows.map(row => row.length))
  if (fields < 3) throw tooFewFields(first, file, [delimiter])
  const header = hasHeader(rows, settings)
  const { columns } = settings
  const roles =
    columns === undefined
      ? usualRoles(header ? names : [], fields, file)
      : chosenRoles(columns, header ? names : [], fields, file)
  if (columns === undefined && roles.time !== undefined && !holdsTimes(rows.slice(header ? 1 : 0), roles.time)) {
    roles.time = undefined
  }
  return { delimiter, header, fields, roles }
}

function sampleLines(head: Uint8Array, whole: boolean, file: string): SampleLine[] {
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
  throw new InputError(`the line is longer than ${LONGEST_LINE} bytes`, { file, line, text: shownLine(head) })
}

function detectDelimiter(sample: readonly SampleLine[], { format }: ReadSettings, file: string): string {
  const candidates: readonly string[] = DELIMITERS[format === 'parquet' ? 'auto' : format]
  let best = { delimiter: '', lines: 0 }
  for (const delimiter of candidates) {
    const counts = sample.map(({ bytes }) => splitText(bytes, delimiter).length).filter(count => count >= 3)
    const common = commonest(counts)
    const lines = counts.filter(count => count === common).length
    if (lines > best.lines) best = { delimiter, lines }
  }
  if (best.lines === 0) throw tooFewFields(sample[0]!, file, candidates)
  return best.delimiter
}

function tooFewFields({ line, bytes }: SampleLine, file: string, delimiters: readonly string[]): InputError {
  const names = delimiters.map(nameDelimiter).join(' or ')
  return new InputError(`expected user, item and rating separated by ${names}`, { file, line, text: shownLine(bytes) })
}

/** What an error calls a delimiter. */
export function nameDelimiter(delimiter: string): string {
  return { '\t': 'a tab', ' ': 'a space', ',': 'a comma', ';': 'a semicolon' }[delimiter] ?? JSON.stringify(delimiter)
}

function splitText(bytes: Uint8Array, delimiter: string): string[] {
  const quoted = splitQuoted(bytes, new TextEncoder().encode(delimiter), bytes.length + 1)
  if (quoted === undefined) return decodeLoosely(bytes).split(delimiter)
  return Array.from({ length: quoted.count }, (_, field) =>
    decodeLoosely(quoted.bytes.subarray(quoted.starts[field], quoted.ends[field])),
  )
}

/** The commonest of some numbers; of equally common ones the first. */
function commonest(numbers: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1)
  let best = numbers[0] ?? 0
  for (const [number, count] of counts) if (count > counts.get(best)!) best = number
  return best
}

function hasHeader(rows: readonly string[][], { header, columns }: ReadSettings): boolean {
  const named = columns?.find(column => !/^[1-9]\d*$/.test(column))
  if (header === false && named !== undefined) {
    throw new OptionError(
      'columns',
      `"columns" names ${JSON.stringify(named)}, but "header" says that there are no names`,
    )
  }
  if (header !== 'auto') return header
  if (named !== undefined) return true
  const names = rows[0]!
  const [user = 0, item = 1, rating = 2, time] = columns?.map(column => Number(column) - 1) ?? []
  const text = names[rating]?.trim() ?? ''
  const otherNumbers = [user, item, time].some(column => column !== undefined && isNumeric(names[column] ?? ''))
  return text !== '' && !isNumeric(text) && !otherNumbers
}

function isNumeric(text: string): boolean {
  return !Number.isNaN(parseNumber(text)) || /^[+-]?(nan|inf|infinity)$/i.test(text.trim())
}

function holdsTimes(rows: readonly string[][], column: number): boolean {
  const times = rows.filter(row => !Number.isNaN(parseTime(row[column] ?? ''))).length
  return times * 2 > rows.length
}
