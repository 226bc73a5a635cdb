import { Jump, type State } from './random-jump.ts'

/**
 * A seeded generator of uniform and normal numbers: xoshiro128** (Blackman and Vigna, 2021), seeded by SplitMix32 from
 * a 32-bit seed and a stream number, so that independent parts of a run draw from independent streams.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number
  #spare: number | undefined

  constructor(seed: number, stream = 0) {
    let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0
    const next = () => {
      state = (state + 0x9e3779b9) | 0
      let z = state ^ (state >>> 16)
      z = Math.imul(z, 0x21f0aaad)
      z ^= z >>> 15
      z = Math.imul(z, 0x735a2d97)
      return (z ^ (z >>> 15)) >>> 0
    }
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next() | 1
  }

  /** A 32-bit unsigned integer. */
  uint32(): number {
    const product = Math.imul(this.#b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }

  /** Uniform in [0, 1) with 53 random bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992
  }

  /** Uniform integer in [0, bound); bound up to 2^32 (multiply-shift, bias below 2^-21 of a step). */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound)
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare
      this.#spare = undefined
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    const angle = 2 * Math.PI * this.uniform()
    this.#spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }

  /** Passes over so many of the normal numbers that come next, in time of the logarithm of `count`. */
  skipNormals(count: number): void {
    let left = count
    if (left > 0 && this.#spare !== undefined) {
      this.#spare = undefined
      left--
    }
    // Four words make two numbers.
    jump ??= new Jump(stepped)
    const [a, b, c, d] = jump.from([this.#a, this.#b, this.#c, this.#d], 4 * Math.floor(left / 2))
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
    if (left % 2 === 1) this.normal()
  }

  /** Puts `values` into a random order, in place (Fisher-Yates). */
  shuffle(values: Uint32Array): void {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const held = values[i]!
      values[i] = values[j]!
      values[j] = held
    }
  }

  /** A random permutation of 0 to length - 1. */
  permutation(length: number): Uint32Array {
    const order = new Uint32Array(length)
    for (let i = 0; i < length; i++) order[i] = i
    this.shuffle(order)
    return order
  }
}

let jump: Jump | undefined

/** One step of xoshiro128's state. */
function stepped([a, b, c, d]: State): State {
  const mixed = d ^ b
  return [a ^ mixed, b ^ c ^ a, c ^ a ^ (b << 9), (mixed << 11) | (mixed >>> 21)]
}
