import { mkdir, rm } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { type DuckDBConnection, type DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { removeAbandoned, temporaryName } from '../temporary.ts'

const folderPrefix = 'lowrank-'

export interface DuckDBSession {
  connection: DuckDBConnection
  /** A folder of this session's own, for files that it needs for a while. */
  folder: string
  /** Closes the database and removes the folder. */
  close(): Promise<void>
}

/**
 * An empty database in memory that spills to the temporary folder, and loads nothing from the network. What killed
 * processes left there is removed.
 */
export async function openDuckDB(): Promise<DuckDBSession> {
  await removeAbandoned(tmpdir(), folderPrefix)
  const folder = join(tmpdir(), temporaryName(folderPrefix))
  await mkdir(folder, { mode: 0o700 })
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    memory_limit: `${Math.round(memoryLimit() / 2 ** 20)}MiB`,
    temp_directory: join(folder, 'spill'),
  })
  const connection = await instance.connect()
  return {
    connection,
    folder,
    async close() {
      connection.closeSync()
      instance.closeSync()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Half of the memory that this process may use. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory() ?? 0
  return (constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()) / 2
}

/** A string as an SQL literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A name as an SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A path that a DuckDB function takes for the one file of this name: absolute, and each glob character in brackets. */
export function literalPath(path: string): string {
  return sqlText(resolve(path).replace(/[*?[]/g, '[$&]'))
}

const VECTOR_TYPES = { int32: Int32Array, float64: Float64Array, bigint64: BigInt64Array }

/** A column of a chunk as it lies in DuckDB's memory, without a copy: valid until the next chunk is fetched. */
export function unboxed<Kind extends keyof typeof VECTOR_TYPES>(
  chunk: DuckDBDataChunk,
  column: number,
  kind: Kind,
): InstanceType<(typeof VECTOR_TYPES)[Kind]> {
  const Type = VECTOR_TYPES[kind]
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column)
  const data = duckdb.vector_get_data(vector, chunk.rowCount * Type.BYTES_PER_ELEMENT)
  return new Type(data.buffer as ArrayBuffer, data.byteOffset, chunk.rowCount) as InstanceType<
    (typeof VECTOR_TYPES)[Kind]
  >
}
