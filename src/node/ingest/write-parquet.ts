import { resolve } from 'node:path'
import { BIGINT, DOUBLE, type DuckDBAppender, DuckDBDataChunk, type DuckDBType, FLOAT, VARCHAR } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import type { IdTable } from '../../data/ids.ts'
import type { Ratings } from '../../data/ratings.ts'
import { OutputError } from '../../errors.ts'
import { openDuckDB, sqlText } from './duckdb.ts'

/** Rows of a DuckDB vector. */
const ROWS = 2048

/** One column of the table: how the rows from `start` on get into a vector. */
interface Column {
  name: string
  sqlType: string
  type: DuckDBType
  fill(vector: duckdb.Vector, start: number, rows: number): void
}

/**
 * Writes entries as Parquet: integer ids as BIGINT, others as text, ratings as FLOAT, times as DOUBLE, in the order of
 * the entries. `target` is what an error names.
 * @throws OutputError where DuckDB cannot write the file.
 */
export async function writeParquet(path: string, ratings: Ratings, target: string): Promise<void> {
  const columns = tableColumns(ratings)
  const { connection, close } = await openDuckDB()
  try {
    const definitions = columns.map(({ name, sqlType }) => `"${name}" ${sqlType} not null`).join(', ')
    await connection.run(`create table ratings (${definitions})`)
    const appender = await connection.createAppender('ratings')
    appendAll(appender, columns, ratings.length)
    appender.closeSync()
    await connection.run(`copy ratings to ${sqlText(resolve(path))} (format parquet, compression zstd)`)
  } catch (error) {
    throw new OutputError('cannot be written as Parquet', target, { cause: error })
  } finally {
    await close()
  }
}

function tableColumns({ users, items, values, times, userIds, itemIds }: Ratings): Column[] {
  const columns = [
    idColumn('user', users, userIds),
    idColumn('item', items, itemIds),
    numberColumn('rating', 'FLOAT', FLOAT, values),
  ]
  return times === undefined ? columns : [...columns, numberColumn('timestamp', 'DOUBLE', DOUBLE, times)]
}

function appendAll(appender: DuckDBAppender, columns: readonly Column[], length: number): void {
  for (let start = 0; start < length; start += ROWS) {
    const rows = Math.min(ROWS, length - start)
    const chunk = DuckDBDataChunk.create(
      columns.map(column => column.type),
      rows,
    )
    columns.forEach((column, index) => {
      column.fill(duckdb.data_chunk_get_vector(chunk.chunk, index), start, rows)
    })
    appender.appendDataChunk(chunk)
  }
}

function numberColumn(name: string, sqlType: string, type: DuckDBType, values: Float32Array | Float64Array): Column {
  return {
    name,
    sqlType,
    type,
    fill: (vector, start, rows) => copyRows(vector, values.subarray(start, start + rows)),
  }
}

function idColumn(name: string, indices: Uint32Array, { kind, values }: IdTable): Column {
  if (kind === 'integer') {
    const ids = BigInt64Array.from(values as Float64Array, BigInt)
    return {
      name,
      sqlType: 'BIGINT',
      type: BIGINT,
      fill: (vector, start, rows) =>
        copyRows(
          vector,
          BigInt64Array.from({ length: rows }, (_, k) => ids[indices[start + k]!]!),
        ),
    }
  }
  return {
    name,
    sqlType: 'VARCHAR',
    type: VARCHAR,
    fill(vector, start, rows) {
      for (let k = 0; k < rows; k++) {
        duckdb.vector_assign_string_element(vector, k, (values as readonly string[])[indices[start + k]!]!)
      }
    },
  }
}

function copyRows(vector: duckdb.Vector, rows: Float32Array | Float64Array | BigInt64Array): void {
  duckdb.copy_data_to_vector(vector, 0, rows.buffer as ArrayBuffer, rows.byteOffset, rows.byteLength)
}
