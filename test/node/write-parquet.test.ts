import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { OutputError } from '../../src/errors.ts'
import { floatColumn, idColumn, integerColumn, writeTable } from '../../src/node/ingest/write-parquet.ts'
import { Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

interface Rows {
  length: number
  users: Uint32Array
  items: Uint32Array
  ranks: Int32Array
  scores: Float32Array
}

const users = IdTable.range(1000)
const items = new IdTable(Array.from({ length: 50 }, (_, k) => `an item's "name" ${'x'.repeat(k)}`))
const columns = [
  idColumn('user', users, (rows: Rows) => rows.users),
  idColumn('item', items, (rows: Rows) => rows.items),
  integerColumn('rank', (rows: Rows) => rows.ranks),
  floatColumn('score', (rows: Rows) => rows.scores),
]

/** Rows `first` to `first + length - 1` of one long table. */
function batch(first: number, length: number): Rows {
  const at = (value: (row: number) => number) => Array.from({ length }, (_, k) => value(first + k))
  return {
    length,
    users: Uint32Array.from(at(row => row % 1000)),
    items: Uint32Array.from(at(row => row % 50)),
    ranks: Int32Array.from(at(row => row)),
    scores: Float32Array.from(at(row => row / 8)),
  }
}

async function query(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowsJS()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

describe('writeTable', () => {
  it('writes batches of any length one after another', async () => {
    const path = scratch.path('table.parquet')
    async function* batches() {
      let first = 0
      for (const length of [1, 2047, 2048, 0, 2049, 5000, 3]) {
        await Promise.resolve()
        yield batch(first, length)
        first += length
      }
    }
    await writeTable(path, columns, batches(), path)
    const wrong = `user <> rank % 1000 or item <> 'an item''s "name" ' || repeat('x', (rank % 50)::INT) or score <> rank / 8.0`
    const read = `read_parquet('${path}', file_row_number = true)`
    const facts = `count(*)::INT, count(*) filter (rank <> file_row_number)::INT, count(*) filter (${wrong})::INT`
    expect(await query(`select ${facts} from ${read}`)).toEqual([[11148, 0, 0]])
    expect((await query(`describe select * from '${path}'`)).map(([name, type]) => [name, type])).toEqual([
      ['user', 'BIGINT'],
      ['item', 'VARCHAR'],
      ['rank', 'INTEGER'],
      ['score', 'FLOAT'],
    ])
  })

  it('writes a table without rows', async () => {
    const path = scratch.path('none.parquet')
    await writeTable(path, columns, [], path)
    expect(await query(`select count(*)::INT from '${path}'`)).toEqual([[0]])
  })

  it('passes what the batches throw, and names the target where it cannot write', async () => {
    const failure = new RangeError('no more rows')
    function* failing() {
      yield batch(0, 10)
      throw failure
    }
    await expect(writeTable(scratch.path('failed.parquet'), columns, failing(), 'x')).rejects.toBe(failure)
    const nowhere = writeTable(scratch.path('missing/x.parquet'), columns, [batch(0, 10)], 'the target')
    await expect(nowhere).rejects.toThrow(OutputError)
    await expect(nowhere).rejects.toThrow('the target: cannot be written as Parquet')
  })
})
