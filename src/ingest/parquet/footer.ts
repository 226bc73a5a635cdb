import type { CompressionCodec } from 'hyparquet'
import { parquetMetadata, parquetSchema } from 'hyparquet/src/metadata.js'
import { InputError } from '../../errors.ts'
import { type ByteBlob, blobBytes } from '../blob.ts'
import { type FlatColumn, tableColumns } from './schema.ts'
import { structEnd } from './thrift.ts'

/** Length of the metadata and magic, at the end of a file. */
const TAIL = 8

const LARGEST_METADATA = 1 << 28

/**
 * Rows that are believed whatever the file holds, and for each of its bytes: runs of one value take no space, so that
 * some bytes can promise any number of rows.
 */
const BELIEVED = { anyway: 2 ** 24, perByte: 1024 }

/** The pages of one column in one row group. */
export interface ColumnChunk {
  start: number
  end: number
  codec: CompressionCodec
}

export interface RowGroup {
  rows: number
  /** By leaf. @throws Error where the chunk of a column is not as the schema says. */
  chunkOf(column: FlatColumn): ColumnChunk
}

export interface Footer {
  columns: FlatColumn[]
  rows: number
  groups: RowGroup[]
}

/** @throws Error where the file does not end as Parquet does. */
export async function readFooter(blob: ByteBlob, file: string): Promise<Footer> {
  if (blob.size < TAIL) throw new Error('the file is too short')
  const tail = await blobBytes(blob, blob.size - TAIL, blob.size, file)
  const length = new DataView(tail.buffer).getUint32(0, true)
  if (String.fromCharCode(...tail.subarray(4)) !== 'PAR1') throw new Error('the file does not end with PAR1')
  if (length > Math.min(LARGEST_METADATA, blob.size - TAIL)) throw new Error(`the metadata takes ${length} bytes`)
  const bytes = await blobBytes(blob, blob.size - TAIL - length, blob.size, file)
  const end = structEnd(bytes, 0)
  if (end === undefined || end > length) throw new Error('the metadata is cut off')
  const metadata = parquetMetadata(bytes.buffer, { geoparquet: false })
  const groups = metadata.row_groups.map(({ columns, num_rows }) => ({
    rows: rowCount(num_rows),
    chunkOf: (column: FlatColumn) => columnChunk(columns[column.leaf], column, num_rows, blob.size),
  }))
  const rows = groups.reduce((sum, group) => sum + group.rows, 0)
  if (rows > BELIEVED.anyway + BELIEVED.perByte * blob.size) {
    const problem = `the file promises ${rows} rows in ${blob.size} bytes`
    throw new InputError(`${problem}; expected at most ${BELIEVED.perByte} for each byte beyond 2^24`, { file })
  }
  return { columns: tableColumns(parquetSchema(metadata)), rows, groups }
}

function rowCount(rows: unknown): number {
  if (typeof rows !== 'bigint' || rows < 0n || rows > Number.MAX_SAFE_INTEGER)
    throw new Error(`a row group has ${rows} rows`)
  return Number(rows)
}

type Chunks = ReturnType<typeof parquetMetadata>['row_groups'][number]['columns']

function columnChunk(chunk: Chunks[number] | undefined, column: FlatColumn, rows: bigint, size: number): ColumnChunk {
  const meta = chunk?.meta_data
  if (meta === undefined || chunk?.file_path !== undefined) throw new Error(`${column.name} has no data in this file`)
  if (meta.path_in_schema.length !== 1 || meta.path_in_schema[0] !== column.name || meta.type !== column.physical) {
    throw new Error(`the data of ${column.name} are those of another column`)
  }
  if (meta.num_values !== rows) throw new Error(`${column.name} has ${meta.num_values} values for ${rows} rows`)
  const data = Number(meta.data_page_offset)
  const dictionary = Number(meta.dictionary_page_offset ?? 0n)
  const start = dictionary > 0 && dictionary < data ? dictionary : data
  const end = start + Number(meta.total_compressed_size)
  if (!(start >= 4 && end >= start && end <= size))
    throw new Error(`the data of ${column.name} lie outside of the file`)
  return { start, end, codec: meta.codec }
}
