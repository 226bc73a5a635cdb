import { gzipSync } from 'node:zlib'
import { xxhash64 } from 'hyparquet/src/xxhash.js'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { crc32 } from '../../src/ingest/crc32.ts'
import { Xxh64 } from '../../src/ingest/xxh64.ts'

const random = new Random(5)
const bytes = Uint8Array.from({ length: 3000 }, () => random.below(256))
const lengths = [0, 1, 3, 4, 7, 8, 31, 32, 33, 63, 64, 65, 100, 2999]

describe('check sums of bytes in pieces are those of the whole:', () => {
  it.each([1, 5, 32, 41, 1000, 3000])('pieces of %d', piece => {
    for (const length of lengths) {
      const whole = bytes.subarray(0, length)
      const hash = new Xxh64()
      let crc = 0
      for (let at = 0; at < length; at += piece) {
        const part = whole.subarray(at, at + piece)
        hash.update(part)
        crc = crc32(part, crc)
      }
      expect(hash.digest()).toBe(xxhash64(whole))
      expect(crc).toBe(gzipSync(whole).readUInt32LE(gzipSync(whole).length - 8))
    }
  })

  it('and of texts with known sums', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
    const hash = new Xxh64()
    hash.update(new TextEncoder().encode('Nobody inspects the spammish repetition'))
    expect(hash.digest()).toBe(0xfbcea83c8a378bf1n)
  })
})
