import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { InputError } from '../../src/errors.ts'
import { decodeModel, encodeModel } from '../../src/model/file.ts'
import type { ModelParts } from '../../src/model/parts.ts'
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../../src/model/safetensors.ts'

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

const encode = (parts: ModelParts) => join(encodeModel(parts))

/** Two users, three items, rank 2, with everything that a model can have. */
function smallModel(change: Partial<ModelParts> = {}): ModelParts {
  return {
    factors: 2,
    userFactors: Float32Array.of(1, 2, 3, 4),
    itemFactors: Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    userBias: Float32Array.of(0.5, -0.5),
    itemBias: Float32Array.of(1, 0, -1),
    mean: 3.5,
    link: 'linear',
    range: { min: 1, max: 5 },
    clip: true,
    userIds: new IdTable(['ada', 'ömer']),
    itemIds: new IdTable(Float64Array.of(10, -20, 30)),
    seen: { offsets: Uint32Array.of(0, 2, 3), items: Uint32Array.of(0, 2, 1) },
    options: { solver: 'sgd', epochs: 20, nested: { list: [1, null, 'x'] } },
    ...change,
  }
}

/** The same, with the ids as lists, so that whole models can be compared. */
const comparable = ({ userIds, itemIds, ...rest }: ModelParts) => ({
  ...rest,
  users: userIds.values,
  items: itemIds.values,
})

/** The model in `bytes`, or undefined where it is refused with an InputError; any other error is thrown on. */
function decodeOrRefuse(bytes: Uint8Array): ModelParts | undefined {
  try {
    return decodeModel(bytes)
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}

const finite = { noNaN: true, noDefaultInfinity: true }
const f32s = (length: number) =>
  fc.array(fc.float(finite), { minLength: length, maxLength: length }).map(values => Float32Array.from(values))
const subsets = (limit: number) =>
  fc.uniqueArray(fc.nat(limit - 1), { maxLength: limit }).map(list => list.sort((a, b) => a - b))
const idTables = (size: number): fc.Arbitrary<IdTable> => {
  const length = { minLength: size, maxLength: size }
  const edges = fc.constantFrom('', '\ufeff', '\ufeffa', '__proto__', '\u0000', '💡', 'é', 'e\u0301')
  return fc.oneof(
    fc.uniqueArray(fc.maxSafeInteger(), length).map(ids => new IdTable(Float64Array.from(ids))),
    fc.uniqueArray(fc.oneof(fc.string({ unit: 'binary' }), edges), length).map(ids => new IdTable(ids)),
  )
}
const sizes = fc.integer({ min: 1, max: 6 })
const doubles = fc.double(finite)
const models: fc.Arbitrary<ModelParts> = fc
  .tuple(sizes, sizes, sizes, fc.constantFrom('none', 'items', 'both'), fc.boolean())
  .chain(([users, items, factors, biased, withSeen]) =>
    fc.record({
      factors: fc.constant(factors),
      userFactors: f32s(users * factors),
      itemFactors: f32s(items * factors),
      userBias: biased === 'both' ? f32s(users) : fc.constant(undefined),
      itemBias: biased === 'none' ? fc.constant(undefined) : f32s(items),
      mean: fc.oneof(doubles, fc.constant(-0)),
      link: fc.constantFrom('linear', 'bounded'),
      range: fc.tuple(doubles, doubles).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })),
      clip: fc.boolean(),
      userIds: idTables(users),
      itemIds: idTables(items),
      seen: withSeen
        ? fc.array(subsets(items), { minLength: users, maxLength: users }).map(lists => {
            const offsets = new Uint32Array(users + 1)
            for (const [u, list] of lists.entries()) offsets[u + 1] = offsets[u]! + list.length
            return { offsets, items: Uint32Array.from(lists.flat()) }
          })
        : fc.constant(undefined),
      options: fc
        .dictionary(fc.string({ unit: 'binary' }), fc.jsonValue())
        .map(options => JSON.parse(JSON.stringify(options)) as Record<string, unknown>),
      plan: fc.option(fc.record({ reproducible: fc.boolean(), workers: fc.nat() }), { nil: undefined }),
    }),
  )

describe('encodeModel, decodeModel', () => {
  it('read back what was written, bit by bit, and write it the same again', () => {
    fc.assert(
      fc.property(models, parts => {
        const bytes = encode(parts)
        const read = decodeModel(bytes)
        expect(comparable(read)).toEqual(comparable(parts))
        expect(Object.is(read.mean, parts.mean)).toBe(true)
        expect(encode(read)).toEqual(bytes)
      }),
      { seed: 1, numRuns: 100 },
    )
  })

  it('keep how the work was cut, where that is known', () => {
    const plan = { reproducible: false, workers: 8, held: 'users' }
    const bytes = encode(smallModel({ plan }))
    expect(decodeSafetensors(bytes).metadata.get('plan')).toBe('{"reproducible":false,"workers":8,"held":"users"}')
    expect(decodeModel(bytes).plan).toEqual(plan)
    expect(decodeModel(encode(smallModel())).plan).toBeUndefined()
  })

  it('keep exact numbers in the metadata', () => {
    for (const mean of [0.1 + 0.2, 1e21, 5e-324, -1.7976931348623157e308, -0, 1 / 3]) {
      const read = decodeModel(encode(smallModel({ mean })))
      expect(Object.is(read.mean, mean)).toBe(true)
    }
  })

  it('write the documented tensors and metadata', () => {
    const { tensors, metadata } = decodeSafetensors(encode(smallModel()))
    expect(tensors.get('user_factors')?.shape).toEqual([2, 2])
    expect(tensors.get('item_factors')?.shape).toEqual([3, 2])
    expect(tensors.get('user_ids')?.data).toEqual(new TextEncoder().encode('adaömer'))
    expect(tensors.get('user_id_offsets')?.data).toEqual(BigInt64Array.of(0n, 3n, 8n))
    expect(tensors.get('item_ids')?.data).toEqual(BigInt64Array.of(10n, -20n, 30n))
    expect(tensors.get('seen_offsets')?.data).toEqual(Uint32Array.of(0, 2, 3))
    expect(tensors.get('seen_items')?.data).toEqual(Uint32Array.of(0, 2, 1))
    expect(Object.fromEntries(metadata)).toEqual({
      format: 'lowrank',
      version: '1',
      mean: '3.5',
      link: 'linear',
      min: '1',
      max: '5',
      clip: 'true',
      options: '{"solver":"sgd","epochs":20,"nested":{"list":[1,null,"x"]}}',
    })
  })

  it('leave out an option that is undefined, and keep a harmless __proto__', () => {
    const options = JSON.parse('{"__proto__":{"polluted":1}}') as Record<string, unknown>
    options.patience = undefined
    const read = decodeModel(encode(smallModel({ options })))
    expect(Object.keys(read.options)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(read.options)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('encodeModel', () => {
  const seen = (offsets: number[], items: number[]) => ({
    seen: { offsets: Uint32Array.from(offsets), items: Uint32Array.from(items) },
  })
  const cases: [string, Partial<ModelParts>, string][] = [
    ['no user', { userIds: new IdTable([]) }, 'a model of 0 users'],
    ['a rank of 0', { factors: 0 }, 'the rank is 0'],
    ['a rank that does not fit', { factors: 3 }, '4 user factors; expected 6'],
    ['item factors that do not fit', { itemFactors: new Float32Array(5) }, '5 item factors; expected 6'],
    ['biases of users alone', { itemBias: undefined }, 'users have biases and items none'],
    ['biases that do not fit', { userBias: new Float32Array(3) }, '3 user biases; expected 2'],
    ['a factor that is not finite', { userFactors: Float32Array.of(1, Number.NaN, 3, 4) }, 'hold NaN at 1'],
    ['a bias that is not finite', { itemBias: Float32Array.of(1, 2, Number.POSITIVE_INFINITY) }, 'hold Infinity at 2'],
    ['a mean that is not finite', { mean: Number.NaN }, 'the mean is NaN'],
    ['a range that is not finite', { range: { min: 1, max: Number.POSITIVE_INFINITY } }, 'range of ratings'],
    ['a range that falls', { range: { min: 2, max: 1 } }, 'range of ratings'],
    ['a string id twice', { userIds: new IdTable(['a', 'a']) }, 'user id "a" stands twice'],
    ['an integer id twice', { itemIds: new IdTable(Float64Array.of(4, 5, 4)) }, 'item id 4 stands twice'],
    ['half a surrogate pair', { userIds: new IdTable(['a', 'b\ud83d']) }, 'half of a surrogate pair'],
    ['an id that is no integer', { itemIds: new IdTable(Float64Array.of(1, 0.5, 2)) }, '0.5 is no safe integer'],
    ['seen items of too few users', seen([0, 1], [0]), '2 offsets; expected 3'],
    ['seen items that do not start at 0', seen([1, 1, 1], [0]), 'run from 1 to 1'],
    ['seen items behind the last user', seen([0, 1, 1], [0, 1]), 'not 0 to 2'],
    ['seen offsets that fall', seen([0, 3, 2], [0, 1]), 'not ascending at user 0'],
    ['a seen item that is unknown', seen([0, 1, 2], [0, 3]), 'user 1 has seen item 3 of 3'],
    ['seen items that fall', seen([0, 2, 2], [1, 0]), 'seen items of user 0 are not ascending'],
    ['a seen item twice', seen([0, 2, 2], [1, 1]), 'seen items of user 0 are not ascending'],
    ['an option that is not finite', { options: { rate: Number.NaN } }, 'options.rate is NaN'],
    ['an option that is a function', { options: { nested: [0, () => 0] } }, 'options.nested[1] is'],
    ['an option that is a date', { options: { at: new Date(0) } }, 'options.at is'],
    ['a plan that JSON cannot express', { plan: { efficiency: Number.NaN } }, 'plan.efficiency is NaN'],
    ['an option that is a bigint', { options: { seed: 1n } }, 'options.seed is 1'],
  ]
  for (const [what, change, message] of cases) {
    it(`refuses ${what}`, () => {
      expect(() => encodeModel(smallModel(change))).toThrow(InputError)
      expect(() => encodeModel(smallModel(change))).toThrow(message)
    })
  }
})

describe('decodeModel', () => {
  type Edit = (tensors: Map<string, Tensor>, metadata: Record<string, string>) => void
  const set =
    (name: string, data: Tensor['data'], shape: readonly number[] = [data.length]): Edit =>
    tensors =>
      tensors.set(name, { name, data, shape })
  const remove =
    (name: string): Edit =>
    tensors =>
      tensors.delete(name)
  const note =
    (key: string, text: string): Edit =>
    (_, metadata) => {
      metadata[key] = text
    }
  const forget =
    (key: string): Edit =>
    (_, metadata) => {
      delete metadata[key]
    }
  const edited = (edit: Edit) => {
    const { tensors, metadata } = decodeSafetensors(encode(smallModel()))
    const notes = Object.fromEntries(metadata)
    edit(tensors, notes)
    return join(encodeSafetensors([...tensors.values()], notes))
  }

  const cases: [string, Edit, string][] = [
    ['another program', forget('format'), 'no lowrank model'],
    ['another format', note('format', 'pt'), 'no lowrank model'],
    ['a newer version', note('version', '2'), 'made by a newer lowrank (model version 2'],
    ['an unknown version', note('version', '1.5'), 'unknown model version "1.5"'],
    ['no version', forget('version'), 'unknown model version nothing'],
    ['no mean', forget('mean'), 'the metadata lack mean'],
    ['a mean that is no number', note('mean', '0x10'), 'mean as "0x10"; expected a number'],
    ['a mean that is empty', note('mean', ''), 'expected a number'],
    ['a mean beyond f64', note('mean', '1e999'), 'the mean is Infinity'],
    ['a range that falls', note('min', '6'), 'range of ratings is 6 to 5'],
    ['another link', note('link', 'probit'), 'expected linear or bounded'],
    ['clip that is neither', note('clip', '1'), 'expected true or false'],
    ['options that are not JSON', note('options', '{'), 'expected JSON'],
    ['options that are a list', note('options', '[]'), 'expected a JSON object'],
    ['a plan that is no object', note('plan', '3'), 'the metadata give plan as "3"; expected a JSON object'],
    ['no user factors', remove('user_factors'), 'the tensor user_factors is missing'],
    ['no item factors', remove('item_factors'), 'the tensor item_factors is missing'],
    ['no ids', remove('item_ids'), 'the tensor item_ids is missing'],
    ['biases of users alone', remove('item_bias'), 'users have biases and items none'],
    ['seen items without offsets', remove('seen_offsets'), 'the tensor seen_offsets is missing'],
    ['seen offsets without items', remove('seen_items'), 'the tensor seen_items is missing'],
    ['a tensor too many', set('extra', new Float32Array(1)), '"extra" is unknown'],
    ['factors of one dimension', set('user_factors', new Float32Array(4)), 'has 1 dimensions; expected 2'],
    ['factors of another rank', set('item_factors', new Float32Array(9), [3, 3]), 'shape [3,3]; expected [3,2]'],
    ['factors in f64', set('user_factors', new Float64Array(4), [2, 2]), 'dtype F64; expected F32'],
    ['biases of other users', set('user_bias', new Float32Array(3)), 'shape [3]; expected [2]'],
    ['ids of other items', set('item_ids', BigInt64Array.of(1n, 2n)), 'shape [2]; expected [3]'],
    ['ids in u32', set('item_ids', Uint32Array.of(1, 2, 3)), 'dtype U32; expected I64'],
    ['an id beyond safe integers', set('item_ids', BigInt64Array.of(1n, 2n ** 53n, 2n)), 'is no safe integer'],
    ['an id twice', set('item_ids', BigInt64Array.of(1n, 2n, 1n)), 'item id 1 stands twice'],
    ['id offsets for integers', set('item_id_offsets', BigInt64Array.of(0n, 1n, 2n, 3n)), 'dtype I64; expected U8'],
    ['too few id offsets', set('user_id_offsets', BigInt64Array.of(0n, 8n)), 'shape [2]; expected [3]'],
    ['id offsets that fall', set('user_id_offsets', BigInt64Array.of(0n, 9n, 8n)), 'not ascending at 0'],
    ['id offsets below 0', set('user_id_offsets', BigInt64Array.of(0n, -1n, 8n)), 'not ascending at 0'],
    ['id offsets that end early', set('user_id_offsets', BigInt64Array.of(0n, 3n, 7n)), 'from 0 to 8, not from 0 to 7'],
    ['id offsets that start late', set('user_id_offsets', BigInt64Array.of(1n, 3n, 8n)), 'from 0 to 8, not from 1'],
    ['a character cut in two', set('user_id_offsets', BigInt64Array.of(0n, 4n, 8n)), 'user id at 0 is not UTF-8'],
    ['a factor that is not finite', set('user_factors', Float32Array.of(1, 2, Number.NaN, 4), [2, 2]), 'hold NaN at 2'],
    ['a seen item that is unknown', set('seen_items', Uint32Array.of(0, 2, 9)), 'has seen item 9 of 3'],
    ['users without end', set('user_factors', new Float32Array(0), [2 ** 40, 0]), 'expected'],
    ['a rank without end', set('user_factors', new Float32Array(0), [0, 2 ** 40]), 'expected'],
  ]
  for (const [what, edit, message] of cases) {
    it(`refuses ${what}`, () => {
      const bytes = edited(edit)
      expect(() => decodeModel(bytes, 'm.lowrank')).toThrow(InputError)
      expect(() => decodeModel(bytes, 'm.lowrank')).toThrow(message)
      expect(() => decodeModel(bytes, 'm.lowrank')).toThrow('m.lowrank: ')
    })
  }

  it('refuses the file cut at every length', () => {
    const bytes = encode(smallModel())
    expect(() => decodeModel(bytes)).not.toThrow()
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeModel(bytes.slice(0, length))).toThrow(InputError)
    }
  })

  it('answers a flip of any bit with a valid model or an InputError', () => {
    const bytes = encode(smallModel())
    let refused = 0
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = bytes.slice()
        damaged[at]! ^= 1 << bit
        const parts = decodeOrRefuse(damaged)
        if (parts === undefined) refused++
        else expect(encode(parts).length).toBeGreaterThan(0)
      }
    }
    expect(refused).toBeGreaterThan(bytes.length)
  })

  it('answers any other byte anywhere in the header likewise', () => {
    const bytes = encode(smallModel())
    const headerEnd = 8 + new DataView(bytes.buffer).getUint32(0, true)
    fc.assert(
      fc.property(fc.nat(headerEnd - 1), fc.nat(255), fc.nat(headerEnd - 1), fc.nat(255), (a, x, b, y) => {
        const damaged = bytes.slice()
        damaged[a] = x
        damaged[b] = y
        decodeOrRefuse(damaged)
      }),
      { seed: 2, numRuns: 3000 },
    )
  })
})
