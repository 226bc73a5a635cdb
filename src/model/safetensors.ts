/**
 * The safetensors format (github.com/huggingface/safetensors): 8 bytes with the little-endian length n of the header, n
 * bytes of JSON {"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets": [begin, end]}}, then the data
 * of all tensors, little-endian and without gaps; offsets count from the end of the header.
 */
import { InputError, type InputPlace } from '../errors.ts'

export type TensorData = Float64Array | BigInt64Array | Float32Array | Uint32Array | Uint8Array
export type Dtype = 'F64' | 'I64' | 'F32' | 'U32' | 'U8'

interface TensorDataConstructor {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData
}

const DTYPES: Readonly<Record<Dtype, TensorDataConstructor>> = {
  F64: Float64Array,
  I64: BigInt64Array,
  F32: Float32Array,
  U32: Uint32Array,
  U8: Uint8Array,
}

export interface Tensor {
  name: string
  /** Lengths of the dimensions, outermost first; none for a scalar. */
  shape: readonly number[]
  /** Row-major. Its class is the dtype: F32, F64, I64, U32 or U8. */
  data: TensorData
}

export interface Safetensors {
  tensors: Map<string, Tensor>
  /** Empty where the file has none. */
  metadata: Map<string, string>
}

/** The largest header that the format's reference reader takes, in bytes. */
const MAX_HEADER_BYTES = 100_000_000
const METADATA = '__metadata__'
const HEADER_ALIGNMENT = 8

/** The name of the dtype of `data`. */
export function dtypeOf(data: TensorData): Dtype {
  for (const [dtype, type] of Object.entries(DTYPES)) if (data instanceof type) return dtype as Dtype
  throw new InputError(`a tensor cannot hold a ${Object.prototype.toString.call(data).slice(8, -1)}`)
}

/**
 * The bytes of a safetensors file in pieces, in order: the header, then the data of each tensor, not copied. Tensors
 * stand by falling element size, then by name, so that each is aligned to its elements; the same tensors and metadata
 * (in the same order) give the same bytes.
 * @throws InputError where a name stands twice, is reserved or no valid Unicode, or a shape does not fit its data.
 */
export function encodeSafetensors(
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  requireLittleEndian()
  const sorted = [...tensors].sort(byElementSizeAndName)
  const fields = [`"${METADATA}":{${Object.entries(metadata).map(([key, value]) => `${quote(key)}:${quote(value)}`)}}`]
  const names = new Set([METADATA])
  let offset = 0
  for (const { name, shape, data } of sorted) {
    if (names.has(name)) throw new InputError(`the tensor name ${JSON.stringify(name)} stands twice or is reserved`)
    names.add(name)
    if (elementsOf(shape) !== data.length) {
      throw new InputError(`the tensor ${name} has the shape [${shape}], but ${data.length} elements`)
    }
    const end = offset + data.byteLength
    fields.push(`${quote(name)}:${JSON.stringify({ dtype: dtypeOf(data), shape, data_offsets: [offset, end] })}`)
    offset = end
  }
  return [
    encodeHeader(`{${fields}}`),
    ...sorted.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ]
}

/**
 * Reads a safetensors file. Tensors whose data are aligned in `bytes` are views of it, others are copies. Nothing is
 * allocated on the word of the header: all sizes are checked against `bytes` first.
 * @param file names the file in errors.
 * @throws InputError for anything but a complete, well-formed file whose tensors are all F32, F64, I64, U32 or U8.
 */
export function decodeSafetensors(bytes: Uint8Array, file?: string): Safetensors {
  requireLittleEndian()
  const place = { file }
  const text = headerText(bytes, place)
  const header = parseHeader(text, place)
  const metadata = readMetadata(header.get(METADATA), place)
  header.delete(METADATA)
  const entries = [...header].map(([name, value]) => readEntry(name, value, place))
  checkKeysUnique(text, 4 * entries.length + (metadata === undefined ? 0 : 1 + metadata.size), place)

  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  const dataStart = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const dataLength = bytes.byteLength - dataStart
  let expected = 0
  for (const { name, begin, end } of entries) {
    if (begin !== expected) {
      throw new InputError(
        `the tensor ${inShort(name)} begins at byte ${begin} of the data; expected ${expected}`,
        place,
      )
    }
    if (end > dataLength) {
      throw new InputError(
        `the tensor ${inShort(name)} ends at byte ${end} of the data; the file has ${dataLength}`,
        place,
      )
    }
    expected = end
  }
  if (expected !== dataLength) {
    throw new InputError(`the tensors take ${expected} bytes of data; the file has ${dataLength}`, place)
  }
  const tensors = new Map<string, Tensor>()
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { name, shape, data: viewOrCopy(dtype, bytes.subarray(dataStart + begin, dataStart + end)) })
  }
  return { tensors, metadata: metadata ?? new Map() }
}

interface Entry {
  name: string
  dtype: Dtype
  shape: readonly number[]
  begin: number
  end: number
}

function requireLittleEndian(): void {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
    throw new InputError('safetensors files are little-endian; this machine is big-endian, which is not supported')
  }
}

function byElementSizeAndName(a: Tensor, b: Tensor): number {
  return b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT || (a.name < b.name ? -1 : Number(a.name > b.name))
}

function quote(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new InputError(`${JSON.stringify(text)} holds half of a surrogate pair`)
  return JSON.stringify(text)
}

function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json)
  const length = Math.ceil(text.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT
  if (length > MAX_HEADER_BYTES) throw new InputError(`the header takes ${length} bytes; at most ${MAX_HEADER_BYTES}`)
  const header = new Uint8Array(8 + length).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true)
  header.set(text, 8)
  return header
}

function headerText(bytes: Uint8Array, place: InputPlace): string {
  const fail = (problem: string, cause?: unknown) =>
    new InputError(`${problem}; expected a safetensors file`, place, { cause })
  if (bytes.byteLength < 8) throw fail(`${bytes.byteLength} bytes are too few for the length of a header`)
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (length > MAX_HEADER_BYTES)
    throw fail(`a header of ${length} bytes is announced, at most ${MAX_HEADER_BYTES} may be`)
  const end = 8 + Number(length)
  if (end > bytes.byteLength) throw fail(`a header of ${length} bytes is announced in a file of ${bytes.byteLength}`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, end))
  } catch (cause) {
    throw fail('the header is not UTF-8', cause)
  }
}

function parseHeader(text: string, place: InputPlace): Map<string, unknown> {
  let header: unknown
  try {
    header = JSON.parse(text)
  } catch (cause) {
    throw new InputError('the header is not JSON; expected a safetensors file', place, { cause })
  }
  if (!isObject(header)) throw new InputError('the header is not a JSON object', place)
  return new Map(Object.entries(header))
}

function readMetadata(value: unknown, place: InputPlace): Map<string, string> | undefined {
  if (value === undefined) return undefined
  if (!isObject(value)) throw new InputError(`${METADATA} is not a JSON object`, place)
  const metadata = new Map<string, string>()
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new InputError(`${METADATA}: ${inShort(key)} is not a string`, place)
    metadata.set(key, text)
  }
  return metadata
}

function readEntry(name: string, value: unknown, place: InputPlace): Entry {
  const fail = (problem: string) => new InputError(`the tensor ${inShort(name)} ${problem}`, place)
  const fields = isObject(value) ? new Map(Object.entries(value)) : new Map<string, unknown>()
  const dtype = fields.get('dtype')
  const shape = fields.get('shape')
  const offsets = fields.get('data_offsets')
  if (fields.size !== 3 || dtype === undefined || shape === undefined || offsets === undefined) {
    throw fail('must be described by dtype, shape and data_offsets and nothing else')
  }
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPES, dtype)) {
    throw fail(`has the dtype ${inShort(dtype)}; expected one of ${Object.keys(DTYPES).join(', ')}`)
  }
  if (!isSizeList(shape)) throw fail('has a shape that is no list of integers from 0 up')
  if (!isSizeList(offsets) || offsets.length !== 2) throw fail('has data_offsets that are no two integers from 0 up')
  const [begin, end] = offsets as [number, number]
  const bytes = elementsOf(shape) * DTYPES[dtype as Dtype].BYTES_PER_ELEMENT
  if (end < begin || end - begin !== bytes) {
    throw fail(`of shape [${shape.slice(0, 8)}] and dtype ${dtype} takes ${bytes} bytes, not ${begin} to ${end}`)
  }
  return { name, dtype: dtype as Dtype, shape, begin, end }
}

/**
 * JSON.parse keeps the last of equal keys without a word. Every key is followed by a colon, so a header whose text has
 * more colons outside of its strings than its value has keys names something twice.
 */
function checkKeysUnique(json: string, keys: number, place: InputPlace): void {
  let colons = 0
  let inString = false
  for (let at = 0; at < json.length; at++) {
    const char = json[at]
    if (char === '"') inString = !inString
    else if (inString && char === '\\') at++
    else if (!inString && char === ':') colons++
  }
  if (colons !== keys) throw new InputError('the header names a tensor or one of its fields twice', place)
}

function viewOrCopy(dtype: Dtype, bytes: Uint8Array): TensorData {
  const type = DTYPES[dtype]
  const aligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes)
  return new type(aligned.buffer, aligned.byteOffset, aligned.byteLength / type.BYTES_PER_ELEMENT)
}

/** Product of the dimensions; not a safe integer where it overflows one. */
function elementsOf(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, length) => product * length, 1)
}

/** As JSON, cut to what fits on a screen: names in a damaged file may have any length. */
function inShort(value: unknown): string {
  const json = JSON.stringify(value)
  return json.length > 60 ? `${json.slice(0, 60)}...` : json
}

function isSizeList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(size => Number.isSafeInteger(size) && size >= 0)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
