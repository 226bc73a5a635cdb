import type { DuplicatePolicy } from '../data/duplicates.ts'
import { type InputError, OptionError } from '../errors.ts'

/**
 * What a ratings file may be: Parquet, or text, namely
 * - with a delimiter: `csv`, `tsv`, `dat` (`::`)
 * - `adjacency`: a line is a user and its items, separated by blanks
 * - `mtx`: Matrix Market coordinate format, rows for users and columns for items, all of them, with ids from 1
 * - `libmf`: a line is a user, an item and a value, separated by blanks; users and items are integers from 0
 * - `netflix`: a line `item:`, then lines `user,rating,date` of that item, as in the Netflix prize
 *
 * or `packed`, what `lowrank pack` and `writePacked` write.
 */
export type ReadFormat =
  | 'auto'
  | 'csv'
  | 'tsv'
  | 'dat'
  | 'parquet'
  | 'adjacency'
  | 'mtx'
  | 'libmf'
  | 'netflix'
  | 'packed'

export interface ReadOptions {
  /**
   * `auto` decides by the file's first bytes and lines, never by its name. It takes lines of integers separated by blanks
   * for `adjacency` where their numbers differ too much for a table; where they do not, the format has to be said, and so
   * has `libmf` where there is more than one blank in between.
   */
  format?: ReadFormat | undefined
  /**
   * Three or four entries in the order user, item, rating and, where there are times, timestamp; or two, user and item,
   * for data without ratings, whose values are all 1. Each is a name from the header or a position counted from 1. By
   * default the header's usual names decide, without them the order; two columns are a user and an item.
   */
  columns?: readonly string[] | undefined
  /** 1 to 4 printable ASCII characters. By default one of tab, `::`, semicolon, comma and space, by the first lines. */
  delimiter?: string | undefined
  /**
   * Whether the first line holds names. `auto`: it does where its rating field is no number, and in data without ratings
   * where it holds usual names, or text above numbers.
   */
  header?: boolean | 'auto' | undefined
  /** `auto` takes UTF-8, and latin-1 (as browsers do: Windows-1252) where an id is not valid UTF-8. */
  encoding?: 'utf-8' | 'latin-1' | 'auto' | undefined
  /** `skip` leaves bad rows out and counts them. */
  onBadRow?: 'error' | 'skip' | undefined
  /**
   * Which of several entries of one user and item counts: by default the last by time, without times by position. Packed
   * ratings have none left, and take no other word than they were packed with.
   */
  duplicates?: DuplicatePolicy | undefined
  /** `auto`: integers where every id of a column is one (no leading zeros, no plus), otherwise strings. */
  ids?: 'auto' | 'integer' | 'string' | undefined
  /** Bytes of the file read so far, and its size. */
  onProgress?: ((bytes: number, total: number) => void) | undefined
  /** Ends the reading between two pieces of the file; its reason is thrown. */
  signal?: AbortSignal | undefined
}

/** The options with their defaults filled in. */
export interface ReadSettings {
  format: ReadFormat
  columns: readonly string[] | undefined
  delimiter: string | undefined
  header: boolean | 'auto'
  encoding: 'utf-8' | 'latin-1' | 'auto'
  onBadRow: 'error' | 'skip'
  /** Undefined: what the file says, otherwise the last. */
  duplicates: DuplicatePolicy | undefined
  ids: 'auto' | 'integer' | 'string'
  onProgress: (bytes: number, total: number) => void
  signal: AbortSignal | undefined
  /** Whether the file is one of several, which may be empty. */
  part: boolean
}

/** What a reader hands back; `skipped` rows are counted where `onBadRow` is `skip`. */
export interface ReadCounts {
  skipped: number
  /** Place and problem of the first row left out. */
  firstSkipped: InputError | undefined
}

export const READ_FORMATS: readonly ReadFormat[] = [
  ...(['auto', 'csv', 'tsv', 'dat', 'parquet', 'adjacency', 'mtx', 'libmf', 'netflix', 'packed'] as const),
]

const CHOICES = {
  format: READ_FORMATS,
  header: [true, false, 'auto'],
  encoding: ['utf-8', 'latin-1', 'auto'],
  onBadRow: ['error', 'skip'],
  duplicates: ['last', 'mean', 'sum', 'error'],
  ids: ['auto', 'integer', 'string'],
} as const

/** Fills in defaults. @throws OptionError for a value that an option cannot take. */
export function readSettings(options: ReadOptions): ReadSettings {
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = options[name as keyof typeof CHOICES]
    if (value !== undefined && !(choices as readonly unknown[]).includes(value)) {
      throw new OptionError(name, `"${name}" must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}`)
    }
  }
  checkColumns(options.columns)
  const { delimiter } = options
  if (delimiter !== undefined && !/^[\t -~]{1,4}$/.test(delimiter)) {
    throw new OptionError(
      'delimiter',
      `"delimiter" must be 1 to 4 printable ASCII characters, not ${JSON.stringify(delimiter)}`,
    )
  }
  if (delimiter !== undefined && /["\r\n]/.test(delimiter)) {
    throw new OptionError('delimiter', '"delimiter" cannot hold a quote or a line break')
  }
  const settings: ReadSettings = {
    format: options.format ?? 'auto',
    columns: options.columns,
    delimiter,
    header: options.header ?? 'auto',
    encoding: options.encoding ?? 'auto',
    onBadRow: options.onBadRow ?? 'error',
    duplicates: options.duplicates,
    ids: options.ids ?? 'auto',
    onProgress: options.onProgress ?? (() => {}),
    signal: options.signal,
    part: false,
  }
  checkTableOptions(settings.format, settings)
  return settings
}

const WITHOUT_COLUMNS: readonly ReadFormat[] = ['adjacency', 'mtx', 'libmf', 'netflix', 'packed']

/** @throws OptionError for an option that says where a table has its columns, beside a format that is none. */
export function checkTableOptions(format: ReadFormat, { columns, delimiter, header }: ReadSettings): void {
  if (!WITHOUT_COLUMNS.includes(format)) return
  const option = columns !== undefined ? 'columns' : delimiter !== undefined ? 'delimiter' : 'header'
  if (option === 'header' && header !== true) return
  throw new OptionError(option, `"${option}" does not go with the format ${format}, which says what stands where`)
}

function checkColumns(columns: readonly string[] | undefined): void {
  if (columns === undefined) return
  if (columns.length < 2 || columns.length > 4 || columns.some(column => column === '')) {
    const expected = 'user, item, rating and, if wanted, timestamp; or user and item alone'
    throw new OptionError('columns', `"columns" must name 2 to 4 columns: ${expected}`)
  }
  if (new Set(columns).size < columns.length) {
    throw new OptionError('columns', `"columns" names a column twice: ${columns.join(', ')}`)
  }
}

/** The problem of an integer id that a number cannot hold. */
export function unsafeInteger(role: string, id: string): string {
  return (
    `the ${role} id ${id} is beyond the largest safe integer (2^53 - 1); ` +
    "ids: 'string' (--ids string) reads ids as text"
  )
}
