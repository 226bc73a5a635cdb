import type { LogicalType, ParquetType, SchemaElement, SchemaTree } from 'hyparquet'
import type { ParquetColumn } from './column-types.ts'

/** How a column's values are to be understood. */
export type Content =
  | 'signed'
  | 'unsigned'
  | 'float'
  | 'boolean'
  | 'decimal'
  | 'text'
  | 'uuid'
  | 'days'
  | 'milliseconds'
  | 'microseconds'
  | 'nanoseconds'
  | 'julian'
  | 'other'

/** A column of single values, one a row. */
export interface FlatColumn extends ParquetColumn {
  /** Position among the columns that hold values. */
  leaf: number
  physical: ParquetType
  /** Bytes of a value, 0 where each has its own length. */
  width: number
  content: Content
  /** Digits behind the point of a decimal. */
  scale: number
  optional: boolean
}

const WIDTHS: Partial<Record<ParquetType, number>> = { BOOLEAN: 1, INT32: 4, INT64: 8, INT96: 12, FLOAT: 4, DOUBLE: 8 }
/** Digits of the largest decimals, and the bytes that hold them. */
const MOST_DIGITS = 76
export const WIDEST_DECIMAL = 32

const BITS = { 8: 'TINYINT', 16: 'SMALLINT', 32: 'INTEGER', 64: 'BIGINT' } as const
const UNITS = { MILLIS: 'milliseconds', MICROS: 'microseconds', NANOS: 'nanoseconds' } as const

/** The columns of a file in order; those that hold lists, maps or structs have a type and the content `other`. */
export function tableColumns(root: SchemaTree): FlatColumn[] {
  let leaf = 0
  return root.children.map(tree => {
    const { element } = tree
    const { type, content } = columnType(tree)
    const column = {
      name: element.name,
      type,
      leaf,
      physical: element.type ?? 'BYTE_ARRAY',
      width: valueWidth(element),
      content,
      scale: decimal(element)?.scale ?? 0,
      optional: element.repetition_type === 'OPTIONAL',
    }
    leaf += leaves(tree)
    return column
  })
}

/** @throws Error for values of a fixed length that have none. */
function valueWidth({ type, type_length: length = 0 }: SchemaElement): number {
  if (type !== 'FIXED_LEN_BYTE_ARRAY') return type === undefined ? 0 : (WIDTHS[type] ?? 0)
  if (!(length > 0)) throw new Error(`values are ${length} bytes long`)
  return length
}

function leaves({ children }: SchemaTree): number {
  return children.length === 0 ? 1 : children.reduce((count, child) => count + leaves(child), 0)
}

/** A column's type as DuckDB calls it, so that errors are the same wherever a file is read. */
function columnType(tree: SchemaTree): { type: string; content: Content } {
  if (tree.element.repetition_type === 'REPEATED') {
    return { type: `${itemType(tree)}[]`, content: 'other' }
  }
  return tree.children.length === 0 ? leafType(tree.element) : { type: groupType(tree), content: 'other' }
}

function itemType(tree: SchemaTree): string {
  return tree.children.length === 0 ? leafType(tree.element).type : groupType(tree)
}

function groupType(tree: SchemaTree): string {
  const [repeated] = tree.children
  const kind = tree.element.logical_type?.type ?? tree.element.converted_type
  if (kind === 'LIST' && repeated !== undefined) {
    const only = repeated.children.length === 1 ? repeated.children[0]! : repeated
    return `${only === repeated ? itemType(repeated) : columnType(only).type}[]`
  }
  const fields = (children: readonly SchemaTree[]) => children.map(child => columnType(child).type)
  if (kind?.startsWith('MAP') === true && repeated?.children.length === 2) {
    return `MAP(${fields(repeated.children).join(', ')})`
  }
  const types = fields(tree.children)
  return `STRUCT(${tree.children.map(({ element }, at) => `${element.name} ${types[at]}`).join(', ')})`
}

function leafType(element: SchemaElement): { type: string; content: Content } {
  const { converted_type: converted, logical_type: logical, type: physical } = element
  const decimals = decimal(element)
  if (decimals !== undefined) {
    return { type: `DECIMAL(${decimals.precision},${decimals.scale})`, content: 'decimal' }
  }
  const time = timeType(converted, logical)
  if (time !== undefined) return time
  if (logical?.type === 'UUID') return { type: 'UUID', content: 'uuid' }
  if (logical?.type === 'FLOAT16') return { type: 'FLOAT', content: 'float' }
  for (const other of ['JSON', 'BSON', 'INTERVAL'] as const) {
    if (converted === other || logical?.type === other) return { type: other, content: 'other' }
  }
  switch (physical) {
    case 'BOOLEAN':
      return { type: 'BOOLEAN', content: 'boolean' }
    case 'FLOAT':
    case 'DOUBLE':
      return { type: physical, content: 'float' }
    case 'INT96':
      return { type: 'TIMESTAMP', content: 'julian' }
    case 'INT32':
    case 'INT64':
      return integerType(physical === 'INT32' ? 32 : 64, converted, logical)
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return { type: 'VARCHAR', content: 'text' }
    default:
      return { type: 'UNKNOWN', content: 'other' }
  }
}

/** @throws Error for a scale that no decimal has. */
function decimal({ converted_type, logical_type, scale, precision }: SchemaElement) {
  const said =
    logical_type?.type === 'DECIMAL' ? logical_type : converted_type === 'DECIMAL' ? { scale, precision } : undefined
  if (said === undefined) return undefined
  const digits = said.scale ?? 0
  if (!(digits >= 0 && digits <= MOST_DIGITS)) throw new Error(`a decimal has ${digits} digits behind its point`)
  return { scale: digits, precision: said.precision ?? 0 }
}

function timeType(
  converted: SchemaElement['converted_type'],
  logical: LogicalType | undefined,
): { type: string; content: Content } | undefined {
  if (converted === 'DATE' || logical?.type === 'DATE') return { type: 'DATE', content: 'days' }
  if (logical?.type === 'TIMESTAMP') {
    const zone = logical.isAdjustedToUTC ? ' WITH TIME ZONE' : ''
    return { type: `TIMESTAMP${zone || (logical.unit === 'NANOS' ? '_NS' : '')}`, content: UNITS[logical.unit] }
  }
  if (converted === 'TIMESTAMP_MILLIS') return { type: 'TIMESTAMP', content: 'milliseconds' }
  if (converted === 'TIMESTAMP_MICROS') return { type: 'TIMESTAMP', content: 'microseconds' }
  return logical?.type === 'TIME' || converted?.startsWith('TIME_') === true
    ? { type: 'TIME', content: 'other' }
    : undefined
}

function integerType(
  width: 32 | 64,
  converted: SchemaElement['converted_type'],
  logical: LogicalType | undefined,
): { type: string; content: Content } {
  const said = /^(U?)INT_(8|16|32|64)$/.exec(converted ?? '')
  const signed = logical?.type === 'INTEGER' ? logical.isSigned : said?.[1] !== 'U'
  const bits = logical?.type === 'INTEGER' ? logical.bitWidth : Number(said?.[2] ?? width)
  const name = BITS[bits as keyof typeof BITS] ?? BITS[width]
  return signed ? { type: name, content: 'signed' } : { type: `U${name}`, content: 'unsigned' }
}
