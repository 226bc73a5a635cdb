import { idContent, type ParquetColumn, timeContent } from '../../ingest/parquet/column-types.ts'
import { sqlName } from './duckdb.ts'

/** An SQL expression over one column, NULL where a value is not as expected. */
export interface RoleColumn {
  sql: string
  kind: 'integer' | 'string' | 'number'
}

/** @throws InputError where a column's type does not suit its role. */
export function idExpression(
  parquetColumn: ParquetColumn,
  role: string,
  wanted: 'auto' | 'integer' | 'string',
  file: string,
): RoleColumn {
  const content = idContent(parquetColumn, role, file)
  const column = sqlName(parquetColumn.name)
  if (content === 'text') {
    const text = `nullif(${column}::VARCHAR, '')`
    if (wanted !== 'integer') return { sql: text, kind: 'string' }
    return {
      sql: `case when try_cast(${text} as HUGEINT)::VARCHAR = ${text} then ${text}::HUGEINT end`,
      kind: 'integer',
    }
  }
  const whole =
    content === 'integer' ? column : `case when ${column} = trunc(${column}) then try_cast(${column} as HUGEINT) end`
  return wanted === 'string' ? { sql: `(${whole})::VARCHAR`, kind: 'string' } : { sql: whole, kind: 'integer' }
}

export function ratingExpression({ name }: ParquetColumn): RoleColumn {
  return { sql: `try_cast(${sqlName(name)} as DOUBLE)`, kind: 'number' }
}

/** Seconds since 1970 from dates and timestamps, rounded once; numbers as they are. */
export function timeExpression(parquetColumn: ParquetColumn): RoleColumn {
  const column = sqlName(parquetColumn.name)
  if (timeContent(parquetColumn) === 'number') return { sql: `try_cast(${column} as DOUBLE)`, kind: 'number' }
  return { sql: parquetColumn.type === 'DATE' ? `epoch(${column})` : `epoch_us(${column}) / 1e6`, kind: 'number' }
}
