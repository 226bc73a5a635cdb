import type { Random } from '../../src/data/random.ts'

/** The number that the bits of a half (IEEE binary16) stand for. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** Distance of neighbouring halves about `value`. */
export const halfStep = (value: number): number => 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value)))) - 10)

/** A row of k halves as the fused solver stores it: whole vec4s of two words each, the rest zero. */
export function packHalves(rows: readonly (readonly number[])[], factors: number): Uint32Array<ArrayBuffer> {
  const words = 2 * Math.ceil(factors / 4)
  const packed = new Uint16Array(2 * words * rows.length)
  for (const [row, bits] of rows.entries()) packed.set(bits, 2 * words * row)
  return new Uint32Array(packed.buffer)
}

/** The numbers in rows of k halves. */
export function unpackHalves(words: Uint32Array, factors: number): number[] {
  const bits = new Uint16Array(words.buffer, words.byteOffset, 2 * words.length)
  const stride = 4 * Math.ceil(factors / 4)
  return Array.from(bits, halfValue).filter((_, at) => at % stride < factors)
}

/** Bits of random halves of the size of 2^-7 to 1. */
export function randomHalves(random: Random, length: number): number[] {
  return Array.from({ length }, () => (random.below(2) << 15) | ((8 + random.below(7)) << 10) | random.below(1024))
}
