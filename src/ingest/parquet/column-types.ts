import { InputError } from '../../errors.ts'
import { type ColumnRoles, chosenRoles, usualRoles } from '../column-roles.ts'
import type { ReadSettings } from '../options.ts'

/** A column as errors name it. */
export interface ParquetColumn {
  name: string
  /** As DuckDB calls it: `BIGINT`, `VARCHAR`, `DECIMAL(9,2)`, ... */
  type: string
}

const INTEGER = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/
const FRACTION = /^(FLOAT|DOUBLE|DECIMAL\(.*\))$/
const TEXT = /^(VARCHAR|UUID|ENUM\(.*\))$/
const TIME = /^(DATE|TIMESTAMP.*)$/

/** What ids are in such a column. @throws InputError where it has none. */
export function idContent({ name, type }: ParquetColumn, role: string, file: string): 'text' | 'integer' | 'fraction' {
  if (TEXT.test(type)) return 'text'
  if (INTEGER.test(type)) return 'integer'
  if (FRACTION.test(type)) return 'fraction'
  throw unsuitable(name, type, `${role} ids`, 'integers or text', file)
}

/** @throws InputError where the column's type is no number. */
export function checkRating({ name, type }: ParquetColumn, file: string): void {
  if (INTEGER.test(type) || FRACTION.test(type) || type === 'BOOLEAN' || type === 'VARCHAR') return
  throw unsuitable(name, type, 'ratings', 'numbers', file)
}

/** What times are in such a column, undefined where its type is none. */
export function timeContent({ type }: ParquetColumn): 'time' | 'number' | undefined {
  if (TIME.test(type)) return 'time'
  return INTEGER.test(type) || FRACTION.test(type) ? 'number' : undefined
}

/**
 * The columns that play the roles.
 * @throws InputError where there are no such columns, or their types do not suit their roles.
 */
export function roleColumns<Column extends ParquetColumn>(
  columns: readonly Column[],
  settings: ReadSettings,
  file: string,
): { user: Column; item: Column; rating: Column | undefined; time: Column | undefined } {
  const names = columns.map(column => column.name)
  const chosen = settings.columns !== undefined
  const roles: ColumnRoles = chosen
    ? chosenRoles(settings.columns!, names, names.length, file)
    : usualRoles(names, names.length, file)
  const at = (index: number | undefined) => (index === undefined ? undefined : columns[index])
  const [user, item, rating, time] = [at(roles.user)!, at(roles.item)!, at(roles.rating), at(roles.time)]
  idContent(user, 'user', file)
  idContent(item, 'item', file)
  if (rating !== undefined) checkRating(rating, file)
  const timed = time !== undefined && timeContent(time) !== undefined
  if (time !== undefined && !timed && chosen) {
    throw unsuitable(time.name, time.type, 'times', 'numbers or timestamps', file)
  }
  return { user, item, rating, time: timed ? time : undefined }
}

/** All columns with their types, in words. */
export function columnsLayout(columns: readonly ParquetColumn[]): string {
  return `columns ${columns.map(({ name, type }) => `${JSON.stringify(name)} of type ${type}`).join(', ')}`
}

function unsuitable(name: string, type: string, what: string, expected: string, file: string): InputError {
  return new InputError(`column ${JSON.stringify(name)} is of type ${type}; expected ${expected} as ${what}`, { file })
}

/** The problem of a row that is bad, in a file whose rows are not lines of text. */
export const BAD_ROW =
  'expected a user id and an item id in each row, and a finite rating and timestamp where it has them'

/** The problem of bytes that are not what Parquet says. */
export const DAMAGED = 'the file is no valid Parquet, or is damaged'

export const OUT_OF_MEMORY = 'the ratings do not fit into memory'
