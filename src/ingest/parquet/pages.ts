import type { PageHeader } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { InputError } from '../../errors.ts'
import { type ByteBlob, blobBytes } from '../blob.ts'
import { CODECS, decompressPage, LARGEST_PAGE } from './compression.ts'
import type { ColumnChunk, Footer } from './footer.ts'
import { unpackHybrid } from './hybrid.ts'
import type { FlatColumn } from './schema.ts'
import { structEnd } from './thrift.ts'
import { decodeValues, sized, VALUE_ENCODINGS, type Values } from './values.ts'

/** Bytes a read, so that a worker sees its messages in between. */
const READ = 1 << 20

/** Statistics in a page header are as long as the values that they are of. */
const LONGEST_HEADER = 1 << 24

/** Some rows of a column. */
export interface Page {
  rows: number
  /** 1 for each row that has a value; undefined where all of them have. */
  present: Uint8Array | undefined
  values: Values | Indices
}

/** Values as positions in a dictionary, all of them within it. */
export interface Indices {
  indices: Uint32Array
  dictionary: Values
}

/** The pages of one column, row group by row group, with no more than one of them in memory. */
export class PageReader {
  readonly #blob: ByteBlob
  readonly #file: string
  readonly #column: FlatColumn
  readonly #footer: Footer
  #group = 0
  #chunk: ColumnChunk | undefined
  #rowsLeft = 0
  #position = 0
  /** Bytes of the chunk from `#windowStart` on. */
  #window: Uint8Array = new Uint8Array(0)
  #windowStart = 0
  #dictionary: Values | undefined

  constructor(blob: ByteBlob, file: string, footer: Footer, column: FlatColumn) {
    this.#blob = blob
    this.#file = file
    this.#footer = footer
    this.#column = column
  }

  /** The next page that has rows. @throws Error where there is none, or it is not as it should be. */
  async next(): Promise<Page> {
    for (;;) {
      while (this.#rowsLeft === 0) this.#nextGroup()
      const page = await this.#nextPage(this.#chunk!)
      if (page === undefined || page.rows === 0) continue
      this.#rowsLeft -= page.rows
      return page
    }
  }

  #nextGroup(): void {
    const group = this.#footer.groups[this.#group++]
    if (group === undefined) throw new Error('there are no more row groups')
    const chunk = group.chunkOf(this.#column)
    if (!CODECS.includes(chunk.codec)) {
      throw new InputError(
        `column ${JSON.stringify(this.#column.name)} is compressed by ${chunk.codec}; expected ${CODECS.join(', ')}`,
        { file: this.#file },
      )
    }
    this.#chunk = chunk
    this.#rowsLeft = group.rows
    this.#position = chunk.start
    this.#dictionary = undefined
  }

  /** Undefined for a page without rows. */
  async #nextPage(chunk: ColumnChunk): Promise<Page | undefined> {
    const header = await this.#header(chunk)
    const size = checked(header.compressed_page_size, chunk.end - this.#position)
    const bytes = await this.#bytes(size, chunk)
    this.#position += size
    const unpacked = checked(header.uncompressed_page_size, LARGEST_PAGE)
    switch (header.type) {
      case 'DICTIONARY_PAGE':
        this.#dictionary = this.#dictionaryOf(decompressPage(chunk.codec, bytes, unpacked), header)
        return undefined
      case 'DATA_PAGE':
        return this.#dataPage(decompressPage(chunk.codec, bytes, unpacked), header)
      case 'DATA_PAGE_V2':
        return this.#dataPageV2(bytes, unpacked, header, chunk)
      case 'INDEX_PAGE':
        return undefined
      default:
        throw new Error('a page is of no known type')
    }
  }

  async #header(chunk: ColumnChunk): Promise<PageHeader> {
    for (let wanted = 1 << 10; ; wanted *= 8) {
      const bytes = await this.#bytes(Math.min(wanted, chunk.end - this.#position), chunk)
      const end = structEnd(bytes, 0)
      if (end !== undefined) {
        this.#position += end
        return parquetHeader({ view: new DataView(bytes.buffer, bytes.byteOffset, end), offset: 0 })
      }
      if (wanted > LONGEST_HEADER || this.#position + wanted >= chunk.end) throw new Error('a page header does not end')
    }
  }

  /** The bytes of the chunk at the position. */
  async #bytes(count: number, chunk: ColumnChunk): Promise<Uint8Array> {
    const windowEnd = this.#windowStart + this.#window.length
    if (this.#position < this.#windowStart || this.#position + count > windowEnd) {
      const end = Math.min(chunk.end, this.#position + Math.max(READ, count))
      this.#window = await blobBytes(this.#blob, this.#position, end, this.#file)
      this.#windowStart = this.#position
    }
    const from = this.#position - this.#windowStart
    return this.#window.subarray(from, from + count)
  }

  #dictionaryOf(bytes: Uint8Array, { dictionary_page_header: header }: PageHeader): Values {
    if (this.#dictionary !== undefined) throw new Error('a column has two dictionaries')
    // Each value takes a byte at least.
    return decodeValues(bytes, 'PLAIN', this.#column, checked(header?.num_values, bytes.length))
  }

  #dataPage(bytes: Uint8Array, { data_page_header: header }: PageHeader): Page {
    const rows = checked(header?.num_values, this.#rowsLeft)
    if (!this.#column.optional) return this.#page(rows, undefined, bytes, header!.encoding)
    const levels = sized(bytes)
    return this.#page(rows, levels, bytes.subarray(4 + levels.length), header!.encoding)
  }

  #dataPageV2(bytes: Uint8Array, size: number, { data_page_header_v2: header }: PageHeader, chunk: ColumnChunk): Page {
    const rows = checked(header?.num_values, this.#rowsLeft)
    const before = checked(header!.repetition_levels_byte_length, bytes.length)
    const levelsEnd = before + checked(header!.definition_levels_byte_length, bytes.length - before)
    const packed = bytes.subarray(levelsEnd)
    const unpacked = checked(size - levelsEnd, LARGEST_PAGE)
    const plain = header!.is_compressed === false || unpacked === 0
    const values = plain ? packed : decompressPage(chunk.codec, packed, unpacked)
    return this.#page(
      rows,
      this.#column.optional ? bytes.subarray(before, levelsEnd) : undefined,
      values,
      header!.encoding,
    )
  }

  #page(rows: number, levels: Uint8Array | undefined, bytes: Uint8Array, encoding: string): Page {
    let present: Uint8Array | undefined
    let count = rows
    if (levels !== undefined) {
      const flags = new Uint8Array(rows)
      unpackHybrid(levels, 1, flags)
      count = flags.reduce((sum, flag) => sum + flag, 0)
      if (count < rows) present = flags
    }
    if (encoding === 'PLAIN_DICTIONARY' || encoding === 'RLE_DICTIONARY') {
      return { rows, present, values: this.#indices(bytes, count) }
    }
    if (VALUE_ENCODINGS.includes(encoding)) {
      return { rows, present, values: decodeValues(bytes, encoding, this.#column, count) }
    }
    const problem = `column ${JSON.stringify(this.#column.name)} has values encoded by ${encoding}`
    throw new InputError(`${problem}; expected ${VALUE_ENCODINGS.join(', ')} or a dictionary`, { file: this.#file })
  }

  #indices(bytes: Uint8Array, count: number): Indices {
    const dictionary = this.#dictionary
    const indices = new Uint32Array(count)
    if (count === 0) return { indices, dictionary: dictionary ?? decodeValues(bytes, 'PLAIN', this.#column, 0) }
    if (dictionary === undefined || bytes.length === 0) throw new Error('a page needs a dictionary')
    unpackHybrid(bytes.subarray(1), bytes[0]!, indices)
    for (let k = 0; k < count; k++) {
      if (indices[k]! >= dictionary.count) throw new Error(`a dictionary has no value ${indices[k]}`)
    }
    return { indices, dictionary }
  }
}

/** A number of a header that is no negative one and at most `limit`. @throws Error for another. */
function checked(value: unknown, limit: number): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= limit)) throw new Error(`a page header says ${value}`)
  return value
}
