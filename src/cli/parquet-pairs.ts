import { InputError } from '../errors.ts'
import { chosenRoles } from '../ingest/column-roles.ts'
import { literalPath, openDuckDB } from '../node/ingest/duckdb.ts'
import { idExpression } from '../node/ingest/parquet-columns.ts'
import { type Pairs, usualPairColumns } from './pair-columns.ts'

/** The rows of a Parquet file as pairs; see `readPairs`. */
export async function readParquetPairs(file: string, chosen: readonly string[] | undefined): Promise<Pairs> {
  const { connection, close } = await openDuckDB()
  try {
    const table = `read_parquet(${literalPath(file)}, hive_partitioning = false, binary_as_string = true)`
    const described = await connection.runAndReadAll(`describe select * from ${table}`)
    const columns = described.getRows().map(row => ({ name: String(row[0]), type: String(row[1]) }))
    const names = columns.map(column => column.name)
    const roles =
      chosen === undefined
        ? (usualPairColumns(names) ?? { user: 0, item: 1 })
        : chosenRoles(chosen, names, names.length, file)
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
