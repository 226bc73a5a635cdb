import { resolve } from 'node:path'
import {
  BIGINT,
  DOUBLE,
  type DuckDBAppender,
  DuckDBDataChunk,
  type DuckDBType,
  FLOAT,
  INTEGER,
  VARCHAR,
} from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import type { IdTable } from '../../data/ids.ts'
import type { Ratings } from '../../data/ratings.ts'
import { OutputError } from '../../errors.ts'
import { reasonOfText } from '../write-file.ts'
import { openDuckDB, sqlText } from './duckdb.ts'

/** Rows of a DuckDB vector. */
const ROWS = 2048

/** Memory that rows may take before they go to the temporary folder. */
const MEMORY = '256MiB'

/** Rows that follow one another; a column takes what it needs of them. */
export interface Batch {
  length: number
}

/** One column of the table: how the rows of a batch from `start` on get into a vector. */
export interface Column<Rows extends Batch> {
  name: string
  sqlType: string
  type: DuckDBType
  fill(vector: duckdb.Vector, batch: Rows, start: number, rows: number): void
}

/**
 * Writes entries as Parquet: integer ids as BIGINT, others as text, ratings as FLOAT, times as DOUBLE, in the order of
 * the entries. `target` is what an error names.
 * @throws OutputError where DuckDB cannot write the file.
 */
export async function writeParquet(path: string, ratings: Ratings, target: string): Promise<void> {
  const columns: Column<Ratings>[] = [
    idColumn('user', ratings.userIds, ({ users }) => users),
    idColumn('item', ratings.itemIds, ({ items }) => items),
    floatColumn('rating', ({ values }) => values),
  ]
  if (ratings.times !== undefined) columns.push(doubleColumn('timestamp', ({ times }) => times!))
  await writeTable(path, columns, [ratings], target)
}

/**
 * Writes batches of rows as Parquet, in their order, as they come: what does not fit into a bounded share of the memory
 * waits in the temporary folder. What `batches` throws passes unchanged.
 * @throws OutputError where DuckDB cannot write the file.
 */
export async function writeTable<Rows extends Batch>(
  path: string,
  columns: readonly Column<Rows>[],
  batches: Iterable<Rows> | AsyncIterable<Rows>,
  target: string,
): Promise<void> {
  const orFail = async <Result>(work: () => Result | Promise<Result>) => {
    try {
      return await work()
    } catch (error) {
      const reason = reasonOfText(error instanceof Error ? error.message : '')
      throw new OutputError(`cannot be written as Parquet${reason === undefined ? '' : `: ${reason}`}`, target, {
        cause: error,
      })
    }
  }
  const { connection, close } = await openDuckDB()
  try {
    const appender = await orFail(async () => {
      const definitions = columns.map(({ name, sqlType }) => `"${name}" ${sqlType} not null`).join(', ')
      await connection.run(`set memory_limit = '${MEMORY}'`)
      await connection.run(`create table rows (${definitions})`)
      return await connection.createAppender('rows')
    })
    const chunk = DuckDBDataChunk.create(
      columns.map(column => column.type),
      ROWS,
    )
    for await (const batch of batches) await orFail(() => append(appender, chunk, columns, batch))
    await orFail(async () => {
      appender.closeSync()
      await connection.run(`copy rows to ${sqlText(resolve(path))} (format parquet, compression zstd)`)
    })
  } finally {
    await close()
  }
}

/** One chunk serves all rows: the memory of others would be given back only when JavaScript has been idle. */
function append<Rows extends Batch>(
  appender: DuckDBAppender,
  chunk: DuckDBDataChunk,
  columns: readonly Column<Rows>[],
  batch: Rows,
): void {
  for (let start = 0; start < batch.length; start += ROWS) {
    const rows = Math.min(ROWS, batch.length - start)
    chunk.reset()
    chunk.rowCount = rows
    columns.forEach((column, index) => {
      column.fill(duckdb.data_chunk_get_vector(chunk.chunk, index), batch, start, rows)
    })
    appender.appendDataChunk(chunk)
  }
}

type Numbers = Float32Array | Float64Array | BigInt64Array | Int32Array

function numberColumn<Rows extends Batch>(
  name: string,
  sqlType: string,
  type: DuckDBType,
  of: (batch: Rows) => Numbers,
): Column<Rows> {
  return {
    name,
    sqlType,
    type,
    fill: (vector, batch, start, rows) => copyRows(vector, of(batch).subarray(start, start + rows)),
  }
}

export function floatColumn<Rows extends Batch>(name: string, of: (batch: Rows) => Float32Array): Column<Rows> {
  return numberColumn(name, 'FLOAT', FLOAT, of)
}

export function doubleColumn<Rows extends Batch>(name: string, of: (batch: Rows) => Float64Array): Column<Rows> {
  return numberColumn(name, 'DOUBLE', DOUBLE, of)
}

export function integerColumn<Rows extends Batch>(name: string, of: (batch: Rows) => Int32Array): Column<Rows> {
  return numberColumn(name, 'INTEGER', INTEGER, of)
}

/** Raw ids by the dense indices of a batch. */
export function idColumn<Rows extends Batch>(
  name: string,
  { kind, values }: IdTable,
  of: (batch: Rows) => Uint32Array,
): Column<Rows> {
  if (kind === 'integer') {
    const ids = BigInt64Array.from(values as Float64Array, BigInt)
    return {
      name,
      sqlType: 'BIGINT',
      type: BIGINT,
      fill(vector, batch, start, rows) {
        const indices = of(batch)
        copyRows(
          vector,
          BigInt64Array.from({ length: rows }, (_, k) => ids[indices[start + k]!]!),
        )
      },
    }
  }
  return {
    name,
    sqlType: 'VARCHAR',
    type: VARCHAR,
    fill(vector, batch, start, rows) {
      const indices = of(batch)
      for (let k = 0; k < rows; k++) {
        duckdb.vector_assign_string_element(vector, k, (values as readonly string[])[indices[start + k]!]!)
      }
    },
  }
}

function copyRows(vector: duckdb.Vector, rows: Numbers): void {
  duckdb.copy_data_to_vector(vector, 0, rows.buffer as ArrayBuffer, rows.byteOffset, rows.byteLength)
}
