import { InputError } from '../../errors.ts'
import type { ColumnRoles } from '../../ingest/column-roles.ts'
import { sqlName } from './duckdb.ts'

export interface ParquetColumn {
  name: string
  /** As DuckDB calls it: `BIGINT`, `VARCHAR`, `DECIMAL(9,2)`, ... */
  type: string
}

/** An SQL expression over one column, NULL where a value is not as expected. */
export interface RoleColumn {
  sql: string
  kind: 'integer' | 'string' | 'number'
}

const INTEGER = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/
const FRACTION = /^(FLOAT|DOUBLE|DECIMAL\(.*\))$/
const TEXT = /^(VARCHAR|UUID|ENUM\(.*\))$/
const TIME = /^(DATE|TIMESTAMP.*)$/

/** @throws InputError where a column's type does not suit its role. */
export function idExpression(
  { name, type }: ParquetColumn,
  role: string,
  wanted: 'auto' | 'integer' | 'string',
  file: string,
): RoleColumn {
  const column = sqlName(name)
  if (TEXT.test(type)) {
    const text = `nullif(${column}::VARCHAR, '')`
    if (wanted !== 'integer') return { sql: text, kind: 'string' }
    return {
      sql: `case when try_cast(${text} as HUGEINT)::VARCHAR = ${text} then ${text}::HUGEINT end`,
      kind: 'integer',
    }
  }
  const whole = INTEGER.test(type)
    ? column
    : `case when ${column} = trunc(${column}) then try_cast(${column} as HUGEINT) end`
  if (!INTEGER.test(type) && !FRACTION.test(type)) throw unsuitable(name, type, `${role} ids`, 'integers or text', file)
  return wanted === 'string' ? { sql: `(${whole})::VARCHAR`, kind: 'string' } : { sql: whole, kind: 'integer' }
}

/** @throws InputError where the column's type is no number. */
export function ratingExpression({ name, type }: ParquetColumn, file: string): RoleColumn {
  if (!INTEGER.test(type) && !FRACTION.test(type) && type !== 'BOOLEAN' && type !== 'VARCHAR') {
    throw unsuitable(name, type, 'ratings', 'numbers', file)
  }
  return { sql: `try_cast(${sqlName(name)} as DOUBLE)`, kind: 'number' }
}

/** Undefined where the column's type is no time. */
export function timeExpression({ name, type }: ParquetColumn): RoleColumn | undefined {
  const column = sqlName(name)
  if (TIME.test(type)) return { sql: `epoch(${column})`, kind: 'number' }
  if (!INTEGER.test(type) && !FRACTION.test(type)) return undefined
  return { sql: `try_cast(${column} as DOUBLE)`, kind: 'number' }
}

/** @throws InputError where the caller chose a column for times that holds none. */
export function chosenTime(column: ParquetColumn, chosen: boolean, file: string): RoleColumn | undefined {
  const time = timeExpression(column)
  if (time === undefined && chosen) throw unsuitable(column.name, column.type, 'times', 'numbers or timestamps', file)
  return time
}

function unsuitable(name: string, type: string, what: string, expected: string, file: string): InputError {
  return new InputError(`column ${JSON.stringify(name)} is of type ${type}; expected ${expected} as ${what}`, { file })
}

/** The columns that play the roles. */
export function roleColumns(columns: readonly ParquetColumn[], roles: ColumnRoles) {
  const at = (index: number) => columns[index]!
  return {
    user: at(roles.user),
    item: at(roles.item),
    rating: roles.rating === undefined ? undefined : at(roles.rating),
    time: roles.time === undefined ? undefined : at(roles.time),
  }
}
