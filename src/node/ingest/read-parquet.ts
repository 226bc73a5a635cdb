import type { DuckDBConnection } from '@duckdb/node-api'
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
  const streamed = isStreamed(roles.user.type) && isStreamed(roles.item.type) && settings.ids !== 'string'
  if (numbered && streamed) return { ...(await streamRatings(session, table(`, ${ROW_NUMBER} = true`), sql)), layout }
  return { ...(await joinRatings(session, table(''), sql)), layout }
}

/** What DuckDB calls a row's number, where no column of the file has that name. */
const ROW_NUMBER = 'file_row_number'

/** Ratings whose ids DuckDB numbers, in tables that spill to the temporary folder. */
async function joinRatings(
  session: ParquetSession,
  table: string,
  { user, item, rating, time }: RoleExpressions,
): Promise<Omit<ReadResult, 'layout'>> {
  const { connection, settings } = session
  await connection.run(
    `create table entries as select ${user.sql} as u, ${item.sql} as i, ${rating.sql} as r, ` +
      `${time?.sql ?? '0::DOUBLE'} as t from ${table}`,
  )
  settings.signal?.throwIfAborted()
  const counts = await leaveOutBadRows(session)
  const userIds = await numberIds('user', 'u', user.kind, session)
  const itemIds = await numberIds('item', 'i', item.kind, session)
  settings.signal?.throwIfAborted()
  const entries = await fetchEntries(connection, time !== undefined)
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

/** Leaves the rows that count in `good`, in the order of the file. */
async function leaveOutBadRows(session: ParquetSession): Promise<ReadCounts> {
  const { connection, file, settings } = session
  const [counts = []] = await session.rows(
    `select count(*)::DOUBLE, count(*) filter (not (${GOOD}))::DOUBLE, (min(rowid) filter (not (${GOOD})))::DOUBLE from entries`,
  )
  const [rows = 0, skipped = 0, first = 0] = counts.map(Number)
  if (skipped === 0) {
    await connection.run('alter table entries rename to good')
    await connection.run('create view origins as select rowid as position, rowid as origin from good')
    return { skipped: 0, firstSkipped: undefined }
  }
  const select = `select u::VARCHAR, i::VARCHAR, r::VARCHAR, t::VARCHAR from entries where rowid = ${first}`
  const error = await badRow(session, select, first)
  if (settings.onBadRow === 'error') throw error
  if (skipped === rows) throw noRow(file, error)
  await connection.run(`create table good as select *, rowid as origin from entries where ${GOOD} order by rowid`)
  await connection.run('drop table entries')
  await connection.run('create view origins as select rowid as position, origin from good')
  return { skipped, firstSkipped: error }
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
    `create table ${column}_ids as select ${column} as id, min(rowid) as first, ` +
      `(row_number() over (order by min(rowid)) - 1)::INTEGER as k from good group by ${column}`,
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
  const row = (
    await connection.runAndReadAll(
      `select id::VARCHAR, origin::DOUBLE from ${column}_ids join origins on position = first where k = ${unsafe}`,
    )
  ).getRows()[0]
  throw new InputError(unsafeInteger(role, String(row?.[0])), { file, line: Number(row?.[1]) + 1 })
}

/** The entries by dense index. A join gives its rows in no fixed order, so each carries its position. */
async function fetchEntries(connection: DuckDBConnection, withTimes: boolean) {
  const length = Number((await connection.runAndReadAll('select count(*)::DOUBLE from good')).getRows()[0]?.[0])
  const users = new Uint32Array(length)
  const items = new Uint32Array(length)
  const values = new Float32Array(length)
  const times = withTimes ? new Float64Array(length) : undefined
  const result = await connection.stream(
    'select good.rowid::DOUBLE, u_ids.k, i_ids.k, r, t::DOUBLE ' +
      'from good join u_ids on u = u_ids.id join i_ids on i = i_ids.id',
  )
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
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
    }
  }
  return { users, items, values, times }
}
