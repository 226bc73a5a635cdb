import type { DuckDBDataChunk } from '@duckdb/node-api'
import { IdTable } from '../../data/ids.ts'
import { Ratings } from '../../data/ratings.ts'
import { InputError } from '../../errors.ts'
import { Entries } from '../../ingest/entries.ts'
import { unsafeInteger } from '../../ingest/options.ts'
import { IntegerCodes } from '../../ingest/parquet/integer-codes.ts'
import type { ReadResult } from '../../ingest/report.ts'
import { unboxed } from './duckdb.ts'
import { badRow, F32_OVERFLOW, noRow, type ParquetSession, type RoleExpressions } from './parquet-session.ts'

/** Whether a column's integers fit into 64 bits with a sign. */
export function isStreamed(type: string): boolean {
  return /^(U?(TINY|SMALL)INT|U?INTEGER|BIGINT)$/.test(type)
}

/**
 * Ratings whose ids are integers of up to 64 bits: rows as they stand in the file, ids numbered as they come. Memory is
 * that of the entries and ids, time grows with the rows alone.
 * @param table the file, with the number of each row as `file_row_number`
 * @throws InputError where a row is bad or an id beyond 2^53 - 1.
 */
export async function streamRatings(
  session: ParquetSession,
  table: string,
  { user, item, rating, time }: RoleExpressions,
): Promise<Omit<ReadResult, 'layout'>> {
  const { connection, settings, bytes, file } = session
  const rows =
    `select (${user.sql})::BIGINT as u, (${item.sql})::BIGINT as i, ${rating.sql} as r, ` +
    `${time?.sql ?? '0::DOUBLE'} as t, file_row_number as n from ${table}`
  const total = await session.number(`select count(*)::DOUBLE from ${table}`)
  // A row without an id has no rating either, so that one look finds what is bad.
  const result = await connection.stream(
    'select coalesce(u, 0), coalesce(i, 0), ' +
      "case when u is null or i is null then 'nan'::DOUBLE else coalesce(r, 'nan'::DOUBLE) end, " +
      `coalesce(t, 'nan'::DOUBLE)::DOUBLE, n from (${rows})`,
  )
  const numbered = new NumberedRows(time !== undefined)
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    settings.signal?.throwIfAborted()
    numbered.take(chunk)
    if (numbered.skipped > 0 && settings.onBadRow === 'error') break
    settings.onProgress(Math.floor((numbered.rows / total) * bytes), bytes)
  }
  const { firstBad, skipped } = numbered
  const select = `select u::VARCHAR, i::VARCHAR, r::VARCHAR, t::VARCHAR from (${rows}) where n = ${firstBad}`
  const firstSkipped = firstBad < 0 ? undefined : await badRow(session, select, firstBad)
  if (firstSkipped !== undefined && settings.onBadRow === 'error') throw firstSkipped
  if (firstSkipped !== undefined && numbered.entries.length === 0) throw noRow(file, firstSkipped)
  const good = `u is not null and i is not null and abs(r) < ${F32_OVERFLOW} and coalesce(isfinite(t), false)`
  const firstRow = (column: string, id: string) =>
    session.number(`select min(n)::DOUBLE from (${rows}) where ${column} = ${id}::BIGINT and ${good}`)
  const userIds = await idTable('user', numbered.users, file, id => firstRow('u', id))
  const itemIds = await idTable('item', numbered.items, file, id => firstRow('i', id))
  return { ratings: new Ratings({ ...numbered.entries.take(), userIds, itemIds }), skipped, firstSkipped }
}

/** The rows so far. */
class NumberedRows {
  rows = 0
  skipped = 0
  /** Number of the first bad row, from 0; -1 where there is none. */
  firstBad = -1
  readonly users = new IntegerCodes()
  readonly items = new IntegerCodes()
  readonly entries: Entries

  constructor(withTimes: boolean) {
    this.entries = new Entries(withTimes)
  }

  /** @throws Error where the rows are not the next ones of the file. */
  take(chunk: DuckDBDataChunk): void {
    const { users, items, entries } = this
    const { rowCount } = chunk
    const user = halves(chunk, 0)
    const item = halves(chunk, 1)
    const value = unboxed(chunk, 2, 'float64')
    const time = unboxed(chunk, 3, 'float64')
    const numbers = unboxed(chunk, 4, 'bigint64')
    if (Number(numbers[0]) !== this.rows || Number(numbers[rowCount - 1]) !== this.rows + rowCount - 1) {
      throw new Error(`expected row ${this.rows}, got ${numbers[0]}`)
    }
    for (let row = 0; row < rowCount; row++) {
      if (!Number.isFinite(Math.fround(value[row]!)) || !Number.isFinite(time[row])) {
        if (this.firstBad < 0) this.firstBad = this.rows + row
        this.skipped++
        continue
      }
      const u = users.of(user[2 * row]!, user[2 * row + 1]!)
      entries.push(u, items.of(item[2 * row]!, item[2 * row + 1]!), value[row]!, time[row]!)
    }
    this.rows += rowCount
  }
}

/** The low and the high half of each integer of a column. */
function halves(chunk: DuckDBDataChunk, column: number): Int32Array {
  const { buffer, byteOffset, length } = unboxed(chunk, column, 'bigint64')
  return new Int32Array(buffer, byteOffset, 2 * length)
}

async function idTable(
  role: string,
  codes: IntegerCodes,
  file: string,
  firstRow: (id: string) => Promise<number>,
): Promise<IdTable> {
  const ids = new Float64Array(codes.size)
  for (let code = 0; code < ids.length; code++) ids[code] = codes.number(code, true)
  const unsafe = ids.findIndex(id => !Number.isSafeInteger(id))
  if (unsafe < 0) return new IdTable(ids)
  const id = codes.text(unsafe, true)
  throw new InputError(unsafeInteger(role, id), { file, line: (await firstRow(id)) + 1 })
}
