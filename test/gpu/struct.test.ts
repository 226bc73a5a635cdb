import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Scalar, scalarStruct } from '../../src/gpu/struct.ts'

describe('scalarStruct', () => {
  it('packs its fields in their order, four bytes each, lowest byte first', () => {
    const struct = scalarStruct('Pair', { count: 'u32', rate: 'f32' })
    expect(struct.size).toBe(8)
    expect([...new Uint8Array(struct.pack({ rate: 1, count: 0x01020304 }))]).toEqual([4, 3, 2, 1, 0, 0, 0x80, 0x3f])
  })

  it('writes at an offset and nowhere else', () => {
    const struct = scalarStruct('One', { value: 'u32' })
    const bytes = new Uint8Array(16).fill(0xaa)
    struct.write(new DataView(bytes.buffer), 8, { value: 0xffffffff })
    expect([...bytes]).toEqual([...Array(8).fill(0xaa), 255, 255, 255, 255, ...Array(4).fill(0xaa)])
  })

  it('keeps every value of any fields', () => {
    const field = fc.oneof(
      fc.record({ type: fc.constant<Scalar>('u32'), value: fc.nat(0xffffffff) }),
      fc.record({ type: fc.constant<Scalar>('f32'), value: fc.float() }),
    )
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 20 }), list => {
        const named = list.map((each, index) => [`field_${index}`, each] as const)
        const struct = scalarStruct('Any', Object.fromEntries(named.map(([name, { type }]) => [name, type])))
        const packed = new DataView(struct.pack(Object.fromEntries(named.map(([name, { value }]) => [name, value]))))
        expect(packed.byteLength).toBe(struct.size)
        list.forEach(({ type, value }, index) => {
          expect(type === 'u32' ? packed.getUint32(4 * index, true) : packed.getFloat32(4 * index, true)).toBe(value)
        })
      }),
      { seed: 2 },
    )
  })
})
