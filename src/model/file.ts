import type { SeenItems } from '../data/seen.ts'
import { InputError, type InputPlace } from '../errors.ts'
import { checkParts } from './check.ts'
import { decodeIds, encodeIds } from './id-tensors.ts'
import type { Link, ModelParts } from './parts.ts'
import { decodeSafetensors, encodeSafetensors, type Tensor } from './safetensors.ts'
import { TensorReader } from './tensor-reader.ts'

const FORMAT = 'lowrank'
const VERSION = 1
const LINKS: readonly Link[] = ['linear', 'bounded']

/**
 * The bytes of a model file, in pieces, in order: safetensors with
 *
 * - `user_factors` F32 [users, k], `item_factors` F32 [items, k]
 * - `user_bias` F32 [users], `item_bias` F32 [items]; absent in a model without biases, the former also in one that ranks
 * - `user_ids`, `item_ids` I64 [n]; ids that are strings: U8, their UTF-8, and `user_id_offsets`, `item_id_offsets`
 *   I64 [n + 1]
 * - `seen_offsets` U32 [users + 1], `seen_items` U32; absent in a model without seen items
 * - in the metadata `format` "lowrank", `version` "1", `mean`, `link`, `min`, `max`, `clip`, `options` (JSON), and perhaps `plan` (JSON)
 *
 * The pieces are views of the parts where they can be. The same parts give the same bytes.
 * @throws InputError for parts that do not fit one another or are not finite, ids that are no safe integers or no valid
 * Unicode, or options that JSON cannot express.
 */
export function encodeModel(parts: ModelParts): Uint8Array[] {
  checkParts(parts)
  checkJson(parts.options, 'options')
  if (parts.plan !== undefined) checkJson(parts.plan, 'plan')
  const { factors, userIds, itemIds, userBias, itemBias, range, seen } = parts
  const tensors: Tensor[] = [
    { name: 'user_factors', shape: [userIds.size, factors], data: parts.userFactors },
    { name: 'item_factors', shape: [itemIds.size, factors], data: parts.itemFactors },
    ...encodeIds('user', userIds),
    ...encodeIds('item', itemIds),
  ]
  if (userBias !== undefined) tensors.push({ name: 'user_bias', shape: [userBias.length], data: userBias })
  if (itemBias !== undefined) tensors.push({ name: 'item_bias', shape: [itemBias.length], data: itemBias })
  if (seen !== undefined) {
    tensors.push({ name: 'seen_offsets', shape: [seen.offsets.length], data: seen.offsets })
    tensors.push({ name: 'seen_items', shape: [seen.items.length], data: seen.items })
  }
  return encodeSafetensors(tensors, {
    format: FORMAT,
    version: String(VERSION),
    mean: writeNumber(parts.mean),
    link: parts.link,
    min: writeNumber(range.min),
    max: writeNumber(range.max),
    clip: String(parts.clip),
    options: JSON.stringify(parts.options),
    ...(parts.plan === undefined ? {} : { plan: JSON.stringify(parts.plan) }),
  })
}

/**
 * Reads a model file; see `encodeModel`. Arrays of the parts are views of `bytes` where alignment allows.
 * @param file names the file in errors.
 * @throws InputError for a damaged file, another program's, one of a newer version, or parts that do not fit one another.
 */
export function decodeModel(bytes: Uint8Array, file?: string): ModelParts {
  try {
    return decodeParts(bytes, file)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    // The call stack is the bound of how deep JSON may be nested.
    throw new InputError(
      'the header is nested too deeply, or describes more than there is room for',
      { file },
      { cause },
    )
  }
}

function decodeParts(bytes: Uint8Array, file?: string): ModelParts {
  const place = { file }
  const { tensors, metadata } = decodeSafetensors(bytes, file)
  checkFormat(metadata, place)
  const reader = new TensorReader(tensors, place)
  const [users, factors] = reader.shape('user_factors', 2) as [number, number]
  const [items] = reader.shape('item_factors', 2) as [number, number]
  const parts: ModelParts = {
    factors,
    userFactors: reader.take('user_factors', Float32Array, [users, factors]),
    itemFactors: reader.take('item_factors', Float32Array, [items, factors]),
    userBias: reader.has('user_bias') ? reader.take('user_bias', Float32Array, [users]) : undefined,
    itemBias: reader.has('item_bias') ? reader.take('item_bias', Float32Array, [items]) : undefined,
    mean: readNumber(metadata, 'mean', place),
    link: readChoice(metadata, 'link', LINKS, place),
    range: { min: readNumber(metadata, 'min', place), max: readNumber(metadata, 'max', place) },
    clip: readChoice(metadata, 'clip', ['true', 'false'], place) === 'true',
    userIds: decodeIds('user', users, reader),
    itemIds: decodeIds('item', items, reader),
    seen: decodeSeen(reader, users),
    options: readObject(metadata, 'options', place),
    plan: metadata.has('plan') ? readObject(metadata, 'plan', place) : undefined,
  }
  reader.finish()
  checkParts(parts, place)
  return parts
}

function decodeSeen(reader: TensorReader, users: number): SeenItems | undefined {
  if (!reader.has('seen_offsets') && !reader.has('seen_items')) return undefined
  return {
    offsets: reader.take('seen_offsets', Uint32Array, [users + 1]),
    items: reader.take('seen_items', Uint32Array, [undefined]),
  }
}

function checkFormat(metadata: ReadonlyMap<string, string>, place: InputPlace): void {
  if (metadata.get('format') !== FORMAT) {
    throw new InputError('a safetensors file, but no lowrank model: its metadata lack format "lowrank"', place)
  }
  const version = metadata.get('version')
  if (version === String(VERSION)) return
  if (version !== undefined && /^\d{1,9}$/.test(version) && Number(version) > VERSION) {
    throw new InputError(`made by a newer lowrank (model version ${version}; this one reads ${VERSION})`, place)
  }
  throw new InputError(`unknown model version ${inShort(version)}; expected ${VERSION}`, place)
}

function readField(metadata: ReadonlyMap<string, string>, key: string, place: InputPlace): string {
  const text = metadata.get(key)
  if (text === undefined) throw new InputError(`the metadata lack ${key}`, place)
  return text
}

/** The shortest text that reads back as the same f64; unlike String it keeps the sign of -0. */
function writeNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function readNumber(metadata: ReadonlyMap<string, string>, key: string, place: InputPlace): number {
  const text = readField(metadata, key, place)
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text)) {
    throw new InputError(`the metadata give ${key} as ${inShort(text)}; expected a number`, place)
  }
  return Number(text)
}

function readChoice<Choice extends string>(
  metadata: ReadonlyMap<string, string>,
  key: string,
  choices: readonly Choice[],
  place: InputPlace,
): Choice {
  const text = readField(metadata, key, place)
  const choice = choices.find(candidate => candidate === text)
  if (choice === undefined) {
    throw new InputError(`the metadata give ${key} as ${inShort(text)}; expected ${choices.join(' or ')}`, place)
  }
  return choice
}

function readObject(metadata: ReadonlyMap<string, string>, key: string, place: InputPlace): Record<string, unknown> {
  const text = readField(metadata, key, place)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new InputError(`the metadata give ${key} as ${inShort(text)}; expected JSON`, place, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(`the metadata give ${key} as ${inShort(text)}; expected a JSON object`, place)
  }
  return value as Record<string, unknown>
}

/** Refuses what JSON.stringify would drop or change; a property that is undefined counts as absent. */
function checkJson(value: unknown, path: string): void {
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || Number.isFinite(value)) return
  if (Array.isArray(value)) {
    for (const [at, element] of value.entries()) checkJson(element, `${path}[${at}]`)
    return
  }
  const prototype = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined
  if (prototype !== Object.prototype && prototype !== null) {
    throw new InputError(`${path} is ${String(value)}, which JSON cannot express`)
  }
  for (const [key, field] of Object.entries(value as object)) {
    if (field !== undefined) checkJson(field, `${path}.${key}`)
  }
}

function inShort(text: string | undefined): string {
  if (text === undefined) return 'nothing'
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)
}
