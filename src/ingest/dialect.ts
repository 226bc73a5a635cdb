import { InputError, OptionError } from '../errors.ts'
import { type ColumnRoles, chosenRoles, rolesByName, usualRoles } from './column-roles.ts'
import { integerKind, parseNumber, parseTime, splitQuoted } from './fields.ts'
import type { ReadSettings } from './options.ts'
import { commonest, type SampleLine } from './sample.ts'
import { decodeLoosely, shownLine } from './text.ts'

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

/**
 * Finds out a file's layout from its first lines.
 * @throws InputError where they hold no ratings, OptionError where options contradict each other.
 */
export function detectDialect(sample: readonly SampleLine[], settings: ReadSettings, file: string): Dialect {
  const first = sample[0]!
  const delimiter = settings.delimiter ?? detectDelimiter(sample, settings, file)
  const rows = sample.map(({ bytes }) => splitText(bytes, delimiter))
  const names = (rows[0] ?? []).map(name => name.trim())
  const fields = commonest(rows.map(row => row.length))
  if (fields < 2) throw tooFewFields(first, file, [delimiter])
  const header = hasHeader(rows, fields, settings)
  const { columns } = settings
  if (columns === undefined && settings.format === 'auto' && !header && isWideList(rows, delimiter)) {
    const problem =
      `${fields} integers and no names of columns; columns: ['1', '2', '3'] (--columns 1,2,3) says which are user, item and ` +
      "rating, format: 'adjacency' (--format adjacency) that each line is a user and its items"
    throw new InputError(problem, { file, line: first.line, text: shownLine(first.bytes) })
  }
  const roles =
    columns === undefined
      ? usualRoles(header ? names : [], fields, file)
      : chosenRoles(columns, header ? names : [], fields, file)
  if (columns === undefined && roles.time !== undefined && !holdsTimes(rows.slice(header ? 1 : 0), roles.time)) {
    roles.time = undefined
  }
  return { delimiter, header, fields, roles }
}

/** Whether all lines hold integers and more of them than a table of ratings has: what a line means cannot be told. */
function isWideList(rows: readonly string[][], delimiter: string): boolean {
  if (delimiter !== ' ' && delimiter !== '\t') return false
  return rows.every(row => row.length > 4 && row.every(field => integerKind(field) !== 'none'))
}

/** A table of two columns only where no wider one fits most lines: ids may hold blanks and commas. */
function detectDelimiter(sample: readonly SampleLine[], { format }: ReadSettings, file: string): string {
  const candidates = format === 'csv' || format === 'tsv' || format === 'dat' ? DELIMITERS[format] : DELIMITERS.auto
  const wide = mostRegular(sample, candidates, count => count >= 3)
  const narrow = mostRegular(sample, candidates, count => count === 2)
  const best = 2 * wide.lines > sample.length || wide.lines >= narrow.lines ? wide : narrow
  if (best.lines === 0) throw tooFewFields(sample[0]!, file, candidates)
  return best.delimiter
}

/** The delimiter by which most lines have the same number of fields, among the numbers wanted. */
function mostRegular(
  sample: readonly SampleLine[],
  candidates: readonly string[],
  wanted: (count: number) => boolean,
): { delimiter: string; lines: number } {
  let best = { delimiter: '', lines: 0 }
  for (const delimiter of candidates) {
    const counts = sample.map(({ bytes }) => splitText(bytes, delimiter).length).filter(wanted)
    const common = commonest(counts)
    const lines = counts.filter(count => count === common).length
    if (lines > best.lines) best = { delimiter, lines }
  }
  return best
}

function tooFewFields({ line, bytes }: SampleLine, file: string, delimiters: readonly string[]): InputError {
  const names = delimiters.map(nameDelimiter).join(' or ')
  const problem = `expected user, item and rating, or user and item, separated by ${names}`
  return new InputError(problem, { file, line, text: shownLine(bytes) })
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

function hasHeader(rows: readonly string[][], fields: number, { header, columns }: ReadSettings): boolean {
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
  if ((columns?.length ?? fields) === 2) return namesPair(rows, user, item, columns !== undefined)
  const text = names[rating]?.trim() ?? ''
  const otherNumbers = [user, item, time].some(column => column !== undefined && isNumeric(names[column] ?? ''))
  return text !== '' && !isNumeric(text) && !otherNumbers
}

/** Whether the first line of data without ratings holds names: usual ones, or text above numbers. */
function namesPair(rows: readonly string[][], user: number, item: number, chosen: boolean): boolean {
  const usual = rolesByName(rows[0]!)
  const named = usual.user !== undefined && usual.item !== undefined
  if (named && (!chosen || (usual.user === user && usual.item === item))) return true
  const numbers = (row: readonly string[]) => [row[user], row[item]].filter(id => isNumeric(id ?? '')).length
  return rows.length > 1 && numbers(rows[0]!) === 0 && rows.slice(1).every(row => numbers(row) === 2)
}

function isNumeric(text: string): boolean {
  return !Number.isNaN(parseNumber(text)) || /^[+-]?(nan|inf|infinity)$/i.test(text.trim())
}

function holdsTimes(rows: readonly string[][], column: number): boolean {
  const times = rows.filter(row => !Number.isNaN(parseTime(row[column] ?? ''))).length
  return times * 2 > rows.length
}
