import { IdTable } from '../data/ids.ts'
import { InputError } from '../errors.ts'
import type { Tensor } from './safetensors.ts'
import type { TensorReader } from './tensor-reader.ts'

/**
 * The tensors of an id table: `<side>_ids` I64 [n] for integers; for strings `<side>_ids` U8, their UTF-8 one after the
 * other, and `<side>_id_offsets` I64 [n + 1], where each begins, and the end.
 * @throws InputError for an id that is no safe integer or holds half of a surrogate pair, which UTF-8 cannot express.
 */
export function encodeIds(side: 'user' | 'item', table: IdTable): Tensor[] {
  const ids = table.values
  if (!(ids instanceof Float64Array)) return encodeStrings(side, ids)
  const data = new BigInt64Array(ids.length)
  for (let at = 0; at < ids.length; at++) {
    if (!Number.isSafeInteger(ids[at])) throw new InputError(`the ${side} id ${ids[at]} is no safe integer`)
    data[at] = BigInt(ids[at]!)
  }
  return [{ name: `${side}_ids`, shape: [data.length], data }]
}

/**
 * The id table of `count` rows that `encodeIds` wrote; whether each id stands once is left to `checkUnique` of `data/ids.ts`.
 * @throws InputError for an id that is no safe integer or not UTF-8, or offsets that are not ascending.
 */
export function decodeIds(side: 'user' | 'item', count: number, reader: TensorReader): IdTable {
  return reader.has(`${side}_id_offsets`) ? decodeStrings(side, count, reader) : decodeIntegers(side, count, reader)
}

function encodeStrings(side: string, ids: readonly string[]): Tensor[] {
  const encoder = new TextEncoder()
  const offsets = new BigInt64Array(ids.length + 1)
  // A UTF-16 unit takes at most three bytes of UTF-8.
  const bytes = new Uint8Array(3 * ids.reduce((length, id) => length + id.length, 0))
  let length = 0
  for (const [at, id] of ids.entries()) {
    if (/\p{Surrogate}/u.test(id))
      throw new InputError(`the ${side} id ${JSON.stringify(id)} holds half of a surrogate pair`)
    length += encoder.encodeInto(id, bytes.subarray(length)).written
    offsets[at + 1] = BigInt(length)
  }
  return [
    { name: `${side}_ids`, shape: [length], data: bytes.slice(0, length) },
    { name: `${side}_id_offsets`, shape: [offsets.length], data: offsets },
  ]
}

function decodeIntegers(side: string, count: number, reader: TensorReader): IdTable {
  const data = reader.take(`${side}_ids`, BigInt64Array, [count])
  const ids = new Float64Array(count)
  for (let at = 0; at < count; at++) {
    ids[at] = Number(data[at])
    if (!Number.isSafeInteger(ids[at])) throw reader.fail(`the ${side} id ${data[at]} is no safe integer`)
  }
  return new IdTable(ids)
}

function decodeStrings(side: string, count: number, reader: TensorReader): IdTable {
  const bytes = reader.take(`${side}_ids`, Uint8Array, [undefined])
  const offsets = reader.take(`${side}_id_offsets`, BigInt64Array, [count + 1])
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  if (offsets[0] !== 0n || offsets[count] !== BigInt(bytes.length)) {
    throw reader.fail(
      `${side}_id_offsets must run from 0 to ${bytes.length}, not from ${offsets[0]} to ${offsets[count]}`,
    )
  }
  const ids: string[] = []
  for (let at = 0; at < count; at++) {
    const [begin, end] = [offsets[at]!, offsets[at + 1]!]
    if (end < begin || end > bytes.length) throw reader.fail(`${side}_id_offsets are not ascending at ${at}`)
    try {
      ids.push(decoder.decode(bytes.subarray(Number(begin), Number(end))))
    } catch (cause) {
      throw reader.fail(`the ${side} id at ${at} is not UTF-8`, cause)
    }
  }
  return new IdTable(ids)
}
