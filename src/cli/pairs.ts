import { InputError } from '../errors.ts'
import { chosenRoles } from '../node/ingest/column-roles.ts'
import { nameDelimiter } from '../node/ingest/dialect.ts'
import { literalPath, openDuckDB } from '../node/ingest/duckdb.ts'
import { integerKind, splitQuoted } from '../node/ingest/fields.ts'
import { idExpression } from '../node/ingest/parquet-columns.ts'
import { openSource, textChunks } from '../node/ingest/source.ts'
import { decodeLoosely, lineBlocks, shownLine } from '../node/ingest/text.ts'

/** Raw ids of users and items, row by row. */
export interface Pairs {
  users: string[]
  items: string[]
}

export interface PairOptions {
  /** Names or positions (from 1) of the user's and the item's column. By default the usual names, else the first two. */
  columns?: readonly string[] | undefined
  /** By default the first of tab, `::`, semicolon, comma and space in the first line. */
  delimiter?: string | undefined
  /** Whether the ids of the model are integers: a first line that has none is then a header. */
  integers: { user: boolean; item: boolean }
}

interface Columns {
  user: number
  item: number
}

const USER = /^(user|u|uid|customer|member|reviewer)s?[ _-]?(id)?$/i
const ITEM = /^(item|i|iid|movie|product|book|track|song|artist|business|anime)s?[ _-]?(id)?$|^(asin|isbn)$/i
const DELIMITERS = ['\t', '::', ';', ',', ' ']
const LINE_FEED = 0x0a

/**
 * Reads pairs of a user and an item from delimited text (plain or compressed) or Parquet. Other columns do not matter.
 * @throws InputError with file, line and text
 */
export async function readPairs(file: string, options: PairOptions): Promise<Pairs> {
  const source = await openSource(file)
  const pairs = source.kind === 'parquet' ? await readParquet(file, options) : await readText(file, options)
  if (pairs.users.length === 0) throw new InputError('the file holds no pairs', { file })
  return pairs
}

async function readText(file: string, options: PairOptions): Promise<Pairs> {
  const pairs: Pairs = { users: [], items: [] }
  let line = 0
  let layout: { delimiter: string; columns: Columns } | undefined
  for await (const { bytes, overlong } of lineBlocks(textChunks(await openSource(file), 'utf-8', () => {}))) {
    for (let start = 0; start < bytes.length; ) {
      const end = overlong ? bytes.length : bytes.indexOf(LINE_FEED, start)
      const row = bytes.subarray(start, bytes[end - 1] === 0x0d ? end - 1 : end)
      start = end + 1
      line++
      if (row.every(byte => byte === 0x20 || byte === 0x09)) continue
      const place = { file, line, text: shownLine(row) }
      if (layout === undefined) {
        const first = firstLine(row, options, place)
        layout = first
        if (first.header) continue
      }
      const fields = fieldsOf(row, layout.delimiter)
      const user = fields[layout.columns.user]
      const item = fields[layout.columns.item]
      if (!user || !item) {
        throw new InputError(`expected a user and an item separated by ${nameDelimiter(layout.delimiter)}`, place)
      }
      pairs.users.push(user)
      pairs.items.push(item)
    }
  }
  return pairs
}

function firstLine(
  row: Uint8Array,
  { columns, delimiter, integers }: PairOptions,
  place: { file: string; line: number; text: string },
): { delimiter: string; columns: Columns; header: boolean } {
  const found = delimiter ?? DELIMITERS.find(candidate => fieldsOf(row, candidate).length >= 2)
  const names = found === undefined ? [] : fieldsOf(row, found)
  if (found === undefined || names.length < 2) throw new InputError('expected a user and an item in a line', place)
  const named = usualColumns(names)
  const foreign = (id: string | undefined) => integerKind(id ?? '') !== 'safe'
  const noIds = integers.user && integers.item && foreign(names[0]) && foreign(names[1])
  const header = named !== undefined || noIds || columns?.some(column => !/^[1-9]\d*$/.test(column)) === true
  if (columns !== undefined) {
    const { user, item } = chosenRoles(columns, header ? names : [], names.length, place.file)
    return { delimiter: found, columns: { user, item }, header }
  }
  return { delimiter: found, columns: named ?? { user: 0, item: 1 }, header }
}

/** The columns of a header that bear usual names. */
function usualColumns(names: readonly string[]): Columns | undefined {
  const user = names.findIndex(name => USER.test(name))
  const item = names.findIndex(name => ITEM.test(name))
  return user >= 0 && item >= 0 ? { user, item } : undefined
}

function fieldsOf(row: Uint8Array, delimiter: string): string[] {
  const split = splitQuoted(row, new TextEncoder().encode(delimiter), row.length + 1)
  if (split === undefined) return decodeLoosely(row).split(delimiter)
  return Array.from({ length: split.count }, (_, field) =>
    decodeLoosely(split.bytes.subarray(split.starts[field], split.ends[field])),
  )
}

async function readParquet(file: string, options: PairOptions): Promise<Pairs> {
  const { connection, close } = await openDuckDB()
  try {
    const table = `read_parquet(${literalPath(file)}, hive_partitioning = false, binary_as_string = true)`
    const described = await connection.runAndReadAll(`describe select * from ${table}`)
    const columns = described.getRows().map(row => ({ name: String(row[0]), type: String(row[1]) }))
    const names = columns.map(column => column.name)
    const roles =
      options.columns === undefined
        ? (usualColumns(names) ?? { user: 0, item: 1 })
        : chosenRoles(options.columns, names, names.length, file)
    const [user, item] = [columns[roles.user], columns[roles.item]]
    if (user === undefined || item === undefined)
      throw new InputError('expected a column of users and one of items', { file })
    const sql = [idExpression(user, 'user', 'string', file).sql, idExpression(item, 'item', 'string', file).sql]
    const rows = (await connection.runAndReadAll(`select ${sql.join(', ')} from ${table}`)).getRows()
    const bad = rows.findIndex(([u, i]) => u === null || i === null)
    if (bad >= 0) throw new InputError('expected a user id and an item id in each row', { file, line: bad + 1 })
    return { users: rows.map(row => String(row[0])), items: rows.map(row => String(row[1])) }
  } catch (cause) {
    if (cause instanceof InputError) throw cause
    throw new InputError('the file is no valid Parquet, or is damaged', { file }, { cause })
  } finally {
    await close()
  }
}
