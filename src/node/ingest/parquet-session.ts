import type { DuckDBConnection } from '@duckdb/node-api'
import { InputError } from '../../errors.ts'
import type { ReadSettings } from '../../ingest/options.ts'
import { BAD_ROW } from '../../ingest/parquet/column-types.ts'
import { shownText } from '../../ingest/text.ts'
import type { RoleColumn } from './parquet-columns.ts'

/** Ratings from 2^128 - 2^103 (half a step above the largest f32) on round to infinity. */
export const F32_OVERFLOW = '3.4028235677973366e38'

/** The columns that play the roles, as SQL. */
export interface RoleExpressions {
  user: RoleColumn
  item: RoleColumn
  rating: RoleColumn
  time: RoleColumn | undefined
}

/** One Parquet file and the database that reads it. */
export class ParquetSession {
  constructor(
    readonly connection: DuckDBConnection,
    readonly file: string,
    /** Size of the file. */
    readonly bytes: number,
    readonly settings: ReadSettings,
  ) {}

  /** The rows that a query gives. */
  async rows(sql: string): Promise<unknown[][]> {
    return (await this.connection.runAndReadAll(sql)).getRows()
  }

  /** The one number that a query gives. */
  async number(sql: string): Promise<number> {
    return Number((await this.rows(sql))[0]?.[0])
  }
}

/** The error of the bad row that a query gives: user, item, rating and time as text; `row` counts from 0. */
export async function badRow(session: ParquetSession, select: string, row: number): Promise<InputError> {
  const [first = []] = await session.rows(select)
  const values = first.map(value => (value === null ? 'none' : String(value)))
  const text = shownText(`user ${values[0]}, item ${values[1]}, rating ${values[2]}, timestamp ${values[3]}`)
  return new InputError(BAD_ROW, { file: session.file, line: row + 1, text })
}

/** The error of a file all of whose rows are bad. */
export function noRow(file: string, first: InputError): InputError {
  return new InputError(`no row holds a rating; the first: ${first.message}`, { file }, { cause: first })
}
