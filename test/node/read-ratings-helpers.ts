import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Ratings } from '../../src/data/ratings.ts'
import { InputError } from '../../src/errors.ts'

/** A folder for the files of one test file. */
export class Scratch {
  #folder = ''

  async open(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'lowrank-test-'))
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }

  get folder(): string {
    return this.#folder
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  async file(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(this.path(name), content)
    return this.path(name)
  }

  /** Names in the folder. */
  async names(): Promise<string[]> {
    return (await readdir(this.#folder)).sort()
  }

  /** Writes the result of a query as Parquet. */
  async parquet(name: string, query: string): Promise<string> {
    await runSql(`copy (${query}) to '${this.path(name)}' (format parquet)`)
    return this.path(name)
  }
}

export async function runSql(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    await connection.run(sql)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** A Zstandard frame of raw blocks (RFC 8878, section 3.1.1.2.2). */
export function rawZstd(content: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(content)
  const head = Buffer.alloc(9)
  head.writeUInt32LE(0xfd2fb528, 0)
  head.writeUInt8(0xa0, 4)
  head.writeUInt32LE(bytes.length, 5)
  const parts: Uint8Array[] = [head]
  const size = 1 << 16
  for (let start = 0; start === 0 || start < bytes.length; start += size) {
    const block = bytes.subarray(start, start + size)
    const header = Buffer.alloc(3)
    header.writeUIntLE((block.length << 3) | (start + size >= bytes.length ? 1 : 0), 0, 3)
    parts.push(header, block)
  }
  return Buffer.concat(parts)
}

/** The entries as rows of raw ids. */
export function rowsOf(ratings: Ratings): (string | number)[][] {
  return Array.from(ratings.users, (user, e) => {
    const row = [ratings.userIds.at(user), ratings.itemIds.at(ratings.items[e]!), ratings.values[e]!]
    return ratings.times === undefined ? row : [...row, ratings.times[e]!]
  })
}

/** The arrays of ratings, for comparison. */
export function arraysOf(ratings: Ratings) {
  const { users, items, values, times, userIds, itemIds } = ratings
  return { users, items, values, times, userIds: userIds.values, itemIds: itemIds.values }
}

/** Digests of the arrays of ratings: for many entries much faster to compare than the arrays. */
export function digestsOf(ratings: Ratings): Record<string, string> {
  const digest = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
  return Object.fromEntries(
    Object.entries(arraysOf(ratings)).map(([name, column]) => {
      if (!ArrayBuffer.isView(column)) return [name, digest(JSON.stringify(column ?? null))]
      const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
      return [name, `${column.constructor.name} ${column.length} ${digest(bytes)}`]
    }),
  )
}

/** The InputError that a promise is rejected with; anything else fails the test. */
export async function inputError(promise: Promise<unknown>): Promise<InputError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof InputError) return outcome
  throw new Error('expected an InputError', { cause: outcome })
}
