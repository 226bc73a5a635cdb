import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { decodeSafetensors, encodeSafetensors, type Tensor, type TensorData } from '../../src/model/safetensors.ts'

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** A file of this header text and so many bytes of data. */
function fileOf(header: string, dataLength = 0, announced?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + text.length + dataLength)
  new DataView(bytes.buffer).setBigUint64(0, announced ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}

const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) =>
  JSON.stringify({ dtype: 'F32', shape, data_offsets: [begin, end] })

const wellFormed = fc.string({ unit: 'binary', maxLength: 8 })
const arrays: fc.Arbitrary<TensorData> = fc.oneof(
  fc.float32Array({ maxLength: 12 }),
  fc.float64Array({ maxLength: 12 }),
  fc.bigInt64Array({ maxLength: 12 }),
  fc.uint32Array({ maxLength: 12 }),
  fc.uint8Array({ maxLength: 12 }),
)
const tensorLists: fc.Arbitrary<Tensor[]> = fc.uniqueArray(
  fc
    .tuple(fc.oneof(wellFormed, fc.constantFrom('__proto__', 'constructor', '7', '')), arrays, fc.boolean())
    .map(([name, data, column]) => ({ name, data, shape: column ? [data.length, 1] : [data.length] })),
  { selector: tensor => tensor.name, maxLength: 5 },
)
const metadatas = fc.dictionary(fc.oneof(wellFormed, fc.constant('__proto__')), wellFormed, { maxKeys: 4 })

describe('encodeSafetensors, decodeSafetensors', () => {
  it('read back what was written, at any alignment of the bytes', () => {
    fc.assert(
      fc.property(tensorLists, metadatas, fc.nat(9), (tensors, metadata, shift) => {
        const bytes = join(encodeSafetensors(tensors, metadata))
        const shifted = new Uint8Array(bytes.length + shift + 3).subarray(shift, shift + bytes.length)
        shifted.set(bytes)
        const read = decodeSafetensors(shifted)
        expect(new Set(read.tensors.values())).toEqual(new Set(tensors))
        for (const [name, tensor] of read.tensors) expect(tensor.name).toBe(name)
        expect([...read.metadata]).toEqual(Object.entries(metadata))
      }),
      { seed: 1, numRuns: 150 },
    )
  })

  it('write the same bytes for any order of the tensors, with all data aligned', () => {
    fc.assert(
      fc.property(tensorLists, metadatas, (tensors, metadata) => {
        const bytes = join(encodeSafetensors(tensors, metadata))
        expect(join(encodeSafetensors([...tensors].reverse(), metadata))).toEqual(bytes)
        expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0)
        for (const { data } of decodeSafetensors(bytes).tensors.values()) expect(data.buffer).toBe(bytes.buffer)
      }),
      { seed: 2 },
    )
  })

  it('write the documented bytes', () => {
    const pieces = encodeSafetensors([{ name: 'a', shape: [1, 2], data: Float32Array.of(1, -2) }], { key: 'value' })
    const header = '{"__metadata__":{"key":"value"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}'
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8)
    expect(new TextDecoder().decode(pieces[0]!.subarray(8))).toBe(padded)
    expect([...pieces[0]!.subarray(0, 8)]).toEqual([padded.length, 0, 0, 0, 0, 0, 0, 0])
    expect([...pieces[1]!]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])
  })

  it('take a Node Buffer at an odd offset, and leave its bytes alone', () => {
    const bytes = join(encodeSafetensors([{ name: 'a', shape: [2], data: Float64Array.of(0.1, 0.2) }]))
    const pool = Buffer.alloc(bytes.length + 1)
    const shifted = pool.subarray(1)
    shifted.set(bytes)
    const { data } = decodeSafetensors(shifted).tensors.get('a')!
    expect(data).toEqual(Float64Array.of(0.1, 0.2))
    data[0] = 5
    expect(new Uint8Array(shifted)).toEqual(bytes)
  })

  it('keep scalars, empty tensors and views of larger buffers', () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 2)
    const tensors = [
      { name: 'scalar', shape: [], data },
      { name: 'empty', shape: [3, 0], data: new Uint32Array(0) },
    ]
    const read = decodeSafetensors(join(encodeSafetensors(tensors)))
    expect(read.tensors.get('scalar')).toEqual({ name: 'scalar', shape: [], data: Float32Array.of(2) })
    expect(read.tensors.get('empty')).toEqual(tensors[1])
  })
})

describe('encodeSafetensors', () => {
  it('refuses names and shapes that cannot be', () => {
    const data = Float32Array.of(1)
    const bad: Tensor[][] = [
      [{ name: '__metadata__', shape: [1], data }],
      [{ name: 'a\ud800', shape: [1], data }],
      [{ name: 'a', shape: [2], data }],
      [{ name: 'a', shape: [1], data: new Int8Array(1) as unknown as Uint8Array }],
      [
        { name: 'a', shape: [1], data },
        { name: 'a', shape: [1], data },
      ],
    ]
    for (const tensors of bad) expect(() => encodeSafetensors(tensors)).toThrow(InputError)
    expect(() => encodeSafetensors([], { '\udc00': '' })).toThrow(InputError)
    expect(() => encodeSafetensors([], { key: '\udc00' })).toThrow(InputError)
  })
})

describe('decodeSafetensors', () => {
  it('takes headers of other writers: any order, no metadata, no padding', () => {
    const file = fileOf(`{ "b" : ${f32(8, 12)} , "a":${f32(0, 8)}}`, 12)
    const { tensors, metadata } = decodeSafetensors(file)
    expect([...tensors.keys()]).toEqual(['a', 'b'])
    expect(metadata.size).toBe(0)
    expect(decodeSafetensors(fileOf('{}')).tensors.size).toBe(0)
    expect(decodeSafetensors(fileOf('{"__metadata__":{"a:b":"c:\\":d"}}')).metadata.get('a:b')).toBe('c:":d')
  })

  const huge = Number.MAX_SAFE_INTEGER
  const cases: [string, Uint8Array, string][] = [
    ['no bytes', new Uint8Array(0), '0 bytes are too few'],
    ['seven bytes', new Uint8Array(7), '7 bytes are too few'],
    ['a header longer than the file', fileOf('{}', 0, 3n), 'a header of 3 bytes is announced in a file of 10'],
    ['a header longer than any may be', fileOf('{}', 0, 2n ** 64n - 1n), 'at most 100000000'],
    ['a header of no bytes', fileOf(''), 'not JSON'],
    ['text', new TextEncoder().encode('user,item,rating\n1,2,3\n'), 'expected a safetensors file'],
    ['a header cut short', fileOf('{"a":'), 'not JSON'],
    ['a byte order mark', fileOf('\ufeff{}'), 'not JSON'],
    ['an array', fileOf('[]'), 'not a JSON object'],
    ['null', fileOf('null'), 'not a JSON object'],
    ['deep nesting', fileOf('['.repeat(200_000)), 'not JSON'],
    ['deep nesting that is closed', fileOf(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`), 'must be described'],
    ['metadata that are a list', fileOf('{"__metadata__":[]}'), 'not a JSON object'],
    ['metadata that are a number', fileOf('{"__metadata__":{"a":1}}'), '"a" is not a string'],
    ['a tensor that is a string', fileOf('{"a":"F32"}'), 'must be described by'],
    ['a tensor without offsets', fileOf('{"a":{"dtype":"F32","shape":[0]}}'), 'must be described by'],
    [
      'a field too many',
      fileOf('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"x":0}}'),
      'must be described by',
    ],
    ['a prototype as a tensor', fileOf('{"__proto__":{"dtype":"F32"}}'), '"__proto__" must be described by'],
    [
      'another dtype',
      fileOf('{"a":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}}'),
      'dtype "BF16"; expected one of',
    ],
    ['an inherited dtype', fileOf('{"a":{"dtype":"toString","shape":[0],"data_offsets":[0,0]}}'), 'dtype "toString"'],
    ['a shape that is a number', fileOf(`{"a":${f32(0, 4, 1)}}`, 4), 'shape that is no list'],
    ['a negative length', fileOf(`{"a":${f32(0, 4, [-1, -1])}}`, 4), 'shape that is no list'],
    ['half a length', fileOf(`{"a":${f32(0, 4, [0.5, 2])}}`, 4), 'shape that is no list'],
    ['a length beyond integers', fileOf(`{"a":${f32(0, 4, [2 ** 53])}}`, 4), 'shape that is no list'],
    ['a product that overflows', fileOf(`{"a":${f32(0, 4, [huge, huge, huge])}}`, 4), 'takes'],
    ['a product beyond f64', fileOf(`{"a":${f32(0, 4, Array(40).fill(huge))}}`, 4), 'takes'],
    ['a shape that does not fit the offsets', fileOf(`{"a":${f32(0, 4, [2])}}`, 4), 'takes 8 bytes, not 0 to 4'],
    [
      'three offsets',
      fileOf('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}'),
      'data_offsets that are no two',
    ],
    ['offsets that fall', fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}', 1), 'not 1 to 0'],
    ['a gap at the start', fileOf(`{"a":${f32(4, 8)}}`, 8), 'begins at byte 4 of the data; expected 0'],
    [
      'a gap between',
      fileOf(`{"a":${f32(0, 4)},"b":${f32(8, 12)}}`, 12),
      '"b" begins at byte 8 of the data; expected 4',
    ],
    ['an overlap', fileOf(`{"a":${f32(0, 8)},"b":${f32(4, 12)}}`, 12), '"b" begins at byte 4 of the data; expected 8'],
    ['twice the same bytes', fileOf(`{"a":${f32(0, 8)},"b":${f32(0, 8)}}`, 8), '"b" begins at byte 0'],
    ['data cut short', fileOf(`{"a":${f32(0, 8)}}`, 7), '"a" ends at byte 8 of the data; the file has 7'],
    ['far more data announced', fileOf(`{"a":${f32(0, 2 ** 50)}}`, 8), 'the file has 8'],
    ['bytes behind the data', fileOf(`{"a":${f32(0, 8)}}`, 9), 'the tensors take 8 bytes of data; the file has 9'],
    ['a tensor named twice', fileOf(`{"a":${f32(0, 4)},"a":${f32(0, 4)}}`, 4), 'twice'],
    ['a tensor named twice, once escaped', fileOf(`{"a":${f32(0, 4)},"\\u0061":${f32(0, 4)}}`, 4), 'twice'],
    ['a field named twice', fileOf('{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), 'twice'],
    ['metadata named twice', fileOf('{"__metadata__":{"a":"1","a":"2"}}'), 'twice'],
    ['two sets of metadata', fileOf('{"__metadata__":{},"__metadata__":{}}'), 'twice'],
  ]
  for (const [what, bytes, message] of cases) {
    it(`refuses ${what}`, () => {
      expect(() => decodeSafetensors(bytes, 'm.safetensors')).toThrow(InputError)
      expect(() => decodeSafetensors(bytes, 'm.safetensors')).toThrow(message)
      expect(() => decodeSafetensors(bytes, 'm.safetensors')).toThrow('m.safetensors: ')
    })
  }

  it('refuses a header that is not UTF-8', () => {
    const bytes = fileOf('{"a":0}')
    bytes[10] = 0xff
    expect(() => decodeSafetensors(bytes)).toThrow('not UTF-8')
  })

  it('does not let a file reach the prototype of objects', () => {
    const bytes = fileOf(`{"__metadata__":{"__proto__":"x"},"__proto__":${f32(0, 4)}}`, 4)
    const { tensors, metadata } = decodeSafetensors(bytes)
    expect(metadata.get('__proto__')).toBe('x')
    expect(tensors.get('__proto__')?.shape).toEqual([1])
    expect(({} as Record<string, unknown>).dtype).toBeUndefined()
  })

  it('cuts long names in messages', () => {
    try {
      decodeSafetensors(fileOf(`{"${'n'.repeat(100_000)}":0}`))
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(InputError)
      expect((error as InputError).message.length).toBeLessThan(300)
    }
  })

  it('answers any bytes with tensors or an InputError', () => {
    const json = fc.json().map(text => fileOf(text, 8))
    const raw = fc.uint8Array({ maxLength: 64 })
    const framed = fc.uint8Array({ maxLength: 64 }).map(bytes => {
      const file = new Uint8Array(8 + bytes.length)
      file[0] = bytes.length >>> 1
      file.set(bytes, 8)
      return file
    })
    fc.assert(
      fc.property(fc.oneof(json, raw, framed), bytes => {
        try {
          decodeSafetensors(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
        }
      }),
      { seed: 3, numRuns: 500 },
    )
  })
})
