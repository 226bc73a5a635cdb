import { InputError } from '../errors.ts'
import { chosenRoles } from '../ingest/column-roles.ts'
import { nameDelimiter } from '../ingest/dialect.ts'
import { integerKind, splitQuoted } from '../ingest/fields.ts'
import { readSettings } from '../ingest/options.ts'
import { decodeLoosely, shownLine } from '../ingest/text.ts'
import { checkUnchanged, openSource, type Source } from '../node/ingest/source.ts'
import { linesOf } from './lines.ts'
import { type PairColumns, type Pairs, usualPairColumns } from './pair-columns.ts'

export interface PairOptions {
  /** Names or positions (from 1) of the user's and the item's column. By default the usual names, else the first two. */
  columns?: readonly string[] | undefined
  /** By default the first of tab, `::`, semicolon, comma and space in the first line. */
  delimiter?: string | undefined
  /** Whether the ids of the model are integers: a first line that has none is then a header. */
  integers: { user: boolean; item: boolean }
}

const DELIMITERS = ['\t', '::', ';', ',', ' ']

/**
 * Reads pairs of a user and an item from delimited text (plain or compressed) or Parquet. Other columns do not matter.
 * @throws InputError with file, line and text, OptionError for a delimiter that cannot be one
 */
export async function readPairs(file: string, options: PairOptions): Promise<Pairs> {
  readSettings({ delimiter: options.delimiter })
  const source = await openSource(file)
  if (source.kind === 'packed') {
    throw new InputError('the file is packed ratings; expected pairs of user and item as text or Parquet', { file })
  }
  const pairs = source.kind === 'parquet' ? await readParquet(file, options) : await readText(source, options)
  await checkUnchanged(source)
  if (pairs.users.length === 0) throw new InputError('the file holds no pairs', { file })
  return pairs
}

/** DuckDB takes longer to load than most files take to read, so it is loaded for those that need it. */
async function readParquet(file: string, { columns }: PairOptions): Promise<Pairs> {
  const { readParquetPairs } = await import('./parquet-pairs.ts')
  return await readParquetPairs(file, columns)
}

async function readText(source: Source, options: PairOptions): Promise<Pairs> {
  const { file } = source
  const pairs: Pairs = { users: [], items: [] }
  let layout: Layout | undefined
  for await (const { line, row } of linesOf(source)) {
    if (row.every(byte => byte === 0x20 || byte === 0x09)) continue
    const fail = (problem: string) => new InputError(problem, { file, line, text: shownLine(row) })
    if (layout === undefined) {
      layout = layoutOf(row, options, file, fail)
      if (layout.header) continue
    }
    const fields = fieldsOf(row, layout.delimiter)
    const user = fields[layout.columns.user]
    const item = fields[layout.columns.item]
    if (!user || !item) throw fail(`expected a user and an item separated by ${nameDelimiter(layout.delimiter)}`)
    pairs.users.push(user)
    pairs.items.push(item)
  }
  return pairs
}

interface Layout {
  delimiter: string
  columns: PairColumns
  /** Whether the first line holds names. */
  header: boolean
}

/** What the first line says. */
function layoutOf(
  row: Uint8Array,
  { columns, delimiter, integers }: PairOptions,
  file: string,
  fail: (problem: string) => InputError,
): Layout {
  const found = delimiter ?? DELIMITERS.find(candidate => fieldsOf(row, candidate).length >= 2)
  const names = found === undefined ? [] : fieldsOf(row, found)
  if (found === undefined || names.length < 2) throw fail('expected a user and an item in a line')
  const named = usualPairColumns(names)
  const foreign = (id: string | undefined) => integerKind(id ?? '') !== 'safe'
  const noIds = integers.user && integers.item && foreign(names[0]) && foreign(names[1])
  const header = named !== undefined || noIds || columns?.some(column => !/^[1-9]\d*$/.test(column)) === true
  if (columns === undefined) return { delimiter: found, columns: named ?? { user: 0, item: 1 }, header }
  const { user, item } = chosenRoles(columns, header ? names : [], names.length, file)
  return { delimiter: found, columns: { user, item }, header }
}

const encoder = new TextEncoder()

function fieldsOf(row: Uint8Array, delimiter: string): string[] {
  const split = splitQuoted(row, encoder.encode(delimiter), row.length + 1)
  if (split === undefined) return decodeLoosely(row).split(delimiter)
  return Array.from({ length: split.count }, (_, field) =>
    decodeLoosely(split.bytes.subarray(split.starts[field], split.ends[field])),
  )
}
