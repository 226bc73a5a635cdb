import { IdTable } from '../../data/ids.ts'
import { Ratings } from '../../data/ratings.ts'
import { InputError, LowrankError } from '../../errors.ts'
import { type ReadCounts, type ReadSettings, unsafeInteger } from '../../ingest/options.ts'
import {
  columnsLayout,
  DAMAGED,
  OUT_OF_MEMORY,
  type ParquetColumn,
  roleColumns,
} from '../../ingest/parquet/column-types.ts'
import type { ReadResult } from '../../ingest/report.ts'
import { literalPath, openDuckDB, unboxed } from './duckdb.ts'
import { idExpression, type RoleColumn, ratingExpression, timeExpression } from './parquet-columns.ts'
import { badRow, F32_OVERFLOW, noRow, ParquetSession, type RoleExpressions } from './parquet-session.ts'
import type { Source } from './source.ts'
import { isStreamed, streamRatings } from './stream-parquet.ts'

const GOOD = `u is not null and i is not null and r is not null and abs(r) < ${F32_OVERFLOW} and coalesce(isfinite(t), false)`

/** The rating of each row of a file without ratings. */
const ONE: RoleColumn = { sql: '1::DOUBLE', kind: 'number' }

/**
 * Ratings from a Parquet file. Columns of integers give integer ids, columns of text string ids.
 * @throws InputError where the file is damaged, its columns do not suit, or a row is bad; `line` is then the row's number.
 */
export async function readParquet({ file, bytes }: Source, settings: ReadSettings): Promise<ReadResult> {
  const { connection, close } = await openDuckDB()
  try {
    return await readWith(new ParquetSession(connection, file, bytes, settings))
  } catch (error) {
    settings.signal?.throwIfAborted()
    if (error instanceof LowrankError || !(error instanceof Error)) throw error
    const memory = /out of memory/i.test(error.message)
    const problem = memory ? OUT_OF_MEMORY : DAMAGED
    throw new InputError(problem, { file }, { cause: error })
  } finally {
    await close()
  }
}

async function readWith(session: ParquetSession): Promise<ReadResult> {
  const { file, settings } = session
  const options = 'hive_partitioning = false, binary_as_string = true'
  const table = (more: string) => `read_parquet(${literalPath(file)}, ${options}${more})`
  const described = await session.rows(`describe select * from ${table('')}`)
  const columns = described.map(row => ({ name: String(row[0]), type: String(row[1]) }))
  const layout = columnsLayout(columns)
  const roles = roleColumns(columns, settings, file)
  const sql = expressions(roles, session)
  if ((await session.number(`select count(*)::DOUBLE from ${table('')}`)) === 0) {
    if (!settings.part) throw new InputError('the file holds no ratings', { file })
    return { ratings: Ratings.from([], [], []), skipped: 0, firstSkipped: undefined, layout }
  }
  const numbered = columns.every(({ name }) => name !== ROW_NUMBER)
  const rows = numbered ? table(`, ${ROW_NUMBER} = true`) : await numberedTable(session, table(''))
  const streamed = isStreamed(roles.user.type) && isStreamed(roles.item.type) && settings.ids !== 'string'
  const read = numbered && streamed ? streamRatings(session, rows, sql) : joinRatings(session, rows, sql)
  return { ...(await read), layout }
}

/** What DuckDB calls a row's number, where no column of the file has that name. */
const ROW_NUMBER = 'file_row_number'

/** A copy of the file in the database, whose own row numbers take the place of those that a column hides. */
async function numberedTable({ connection }: ParquetSession, table: string): Promise<string> {
  await connection.run(`create table copied as select * from ${table}`)
  return `(select * replace (rowid as ${ROW_NUMBER}) from copied)`
}

/**
 * Ratings whose ids DuckDB numbers: it goes over the file once for each column of ids and once for the entries, so that
 * memory is that of the entries and ids.
 */
async function joinRatings(
  session: ParquetSession,
  table: string,
  { user, item, rating, time }: RoleExpressions,
): Promise<Omit<ReadResult, 'layout'>> {
  const { connection, settings } = session
  await connection.run(
    `create view entries as select ${user.sql} as u, ${item.sql} as i, ${rating.sql} as r, ` +
      `${time?.sql ?? '0::DOUBLE'} as t, ${ROW_NUMBER} as n from ${table}`,
  )
  await connection.run(`create view good as select * from entries where ${GOOD}`)
  const { rows, ...counts } = await countRows(session)
  settings.signal?.throwIfAborted()
  const userIds = await numberIds('user', 'u', user.kind, session)
  settings.signal?.throwIfAborted()
  const itemIds = await numberIds('item', 'i', item.kind, session)
  settings.signal?.throwIfAborted()
  const entries = await fetchEntries(session, rows, counts.skipped, time !== undefined)
  return { ratings: new Ratings({ ...entries, userIds, itemIds }), ...counts }
}

function expressions(
  { user, item, rating, time }: ReturnType<typeof roleColumns<ParquetColumn>>,
  { file, settings }: ParquetSession,
): RoleExpressions {
  return {
    user: idExpression(user, 'user', settings.ids, file),
    item: idExpression(item, 'item', settings.ids, file),
    rating: rating === undefined ? ONE : ratingExpression(rating),
    time: time === undefined ? undefined : timeExpression(time),
  }
}

/** Counts all rows, and those that are bad. @throws InputError for the first bad one, unless they are skipped. */
async function countRows(session: ParquetSession): Promise<ReadCounts & { rows: number }> {
  const { file, settings } = session
  const [counts = []] = await session.rows(
    `select count(*)::DOUBLE, count(*) filter (not (${GOOD}))::DOUBLE, (min(n) filter (not (${GOOD})))::DOUBLE from entries`,
  )
  const [rows = 0, skipped = 0, first = 0] = counts.map(Number)
  if (skipped === 0) return { rows, skipped, firstSkipped: undefined }
  const select = `select u::VARCHAR, i::VARCHAR, r::VARCHAR, t::VARCHAR from entries where n = ${first}`
  const error = await badRow(session, select, first)
  if (settings.onBadRow === 'error') throw error
  if (skipped === rows) throw noRow(file, error)
  return { rows, skipped, firstSkipped: error }
}

/** Numbers the distinct ids of a column by first appearance in a table `<column>_ids`, and returns them. */
async function numberIds(
  role: string,
  column: 'u' | 'i',
  kind: RoleColumn['kind'],
  session: ParquetSession,
): Promise<IdTable> {
  const { connection, file } = session
  await connection.run(
    `create table ${column}_ids as select ${column} as id, min(n) as first, ` +
      `(row_number() over (order by min(n)) - 1)::INTEGER as k from good group by ${column}`,
  )
  const result = await connection.run(
    `select ${kind === 'integer' ? 'id::DOUBLE' : 'id'} from ${column}_ids order by k`,
  )
  const ids: (number | string)[] = []
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    for (const id of chunk.getColumnValues(0)) ids.push(id as number | string)
  }
  if (kind === 'string') return new IdTable(ids as string[])
  const numbers = Float64Array.from(ids as number[])
  const unsafe = numbers.findIndex(id => !Number.isSafeInteger(id))
  if (unsafe < 0) return new IdTable(numbers)
  const [[id, first] = []] = await session.rows(
    `select id::VARCHAR, first::DOUBLE from ${column}_ids where k = ${unsafe}`,
  )
  throw new InputError(unsafeInteger(role, String(id)), { file, line: Number(first) + 1 })
}

/** The entries by dense index, of `rows` rows. A join gives them in no fixed order, so each carries its row's number. */
async function fetchEntries(
  { connection, settings, bytes }: ParquetSession,
  rows: number,
  skipped: number,
  withTimes: boolean,
) {
  const users = new Uint32Array(rows)
  const items = new Uint32Array(rows)
  const values = new Float32Array(rows)
  const times = withTimes ? new Float64Array(rows) : undefined
  const good = new Uint8Array(skipped > 0 ? rows : 0)
  const result = await connection.stream(
    'select n::DOUBLE, u_ids.k, i_ids.k, r, t::DOUBLE from good join u_ids on u = u_ids.id join i_ids on i = i_ids.id',
  )
  let done = 0
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    settings.signal?.throwIfAborted()
    const position = unboxed(chunk, 0, 'float64')
    const user = unboxed(chunk, 1, 'int32')
    const item = unboxed(chunk, 2, 'int32')
    const value = unboxed(chunk, 3, 'float64')
    const time = unboxed(chunk, 4, 'float64')
    for (let row = 0; row < chunk.rowCount; row++) {
      const e = position[row]!
      users[e] = user[row]!
      items[e] = item[row]!
      values[e] = value[row]!
      if (times !== undefined) times[e] = time[row]!
      if (skipped > 0) good[e] = 1
    }
    done += chunk.rowCount
    settings.onProgress(Math.floor((done / rows) * bytes), bytes)
  }
  if (skipped === 0) return { users, items, values, times }
  return {
    users: filtered(users, good, skipped),
    items: filtered(items, good, skipped),
    values: filtered(values, good, skipped),
    times: times === undefined ? undefined : filtered(times, good, skipped),
  }
}

/** The rows that are good, moved up to one another. */
function filtered<Column extends Uint32Array | Float32Array | Float64Array>(
  rows: Column,
  good: Uint8Array,
  skipped: number,
): Column {
  let length = 0
  for (let row = 0; row < rows.length; row++) if (good[row] === 1) rows[length++] = rows[row]!
  return rows.slice(0, rows.length - skipped) as Column
}
