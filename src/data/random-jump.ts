// The state of a generator that is linear over GF(2), as xoshiro's is, after n steps is A^n times its state: a product of the
// powers A^(2^i) for the bits of n.

/** Four 32-bit words. */
export type State = readonly [number, number, number, number]

/** A linear map of 128 bits: the image of each, four words. */
type BitMap = Uint32Array

const words = 4
const bits = 32 * words

/** The state after so many steps, in time of the logarithm of `steps`. */
export class Jump {
  /** A^(2^i) at i. */
  readonly #powers: BitMap[]

  /** @param step one step, which is linear over GF(2) */
  constructor(step: (state: State) => State) {
    const map = new Uint32Array(bits * words)
    for (let bit = 0; bit < bits; bit++) {
      const unit = new Uint32Array(words)
      unit[bit >> 5] = 1 << (bit & 31)
      map.set(step([...unit] as unknown as State), bit * words)
    }
    this.#powers = [map]
  }

  /** @param steps a safe integer, not negative */
  from(state: State, steps: number): State {
    let at = Uint32Array.from(state)
    for (let power = 0, left = steps; left > 0; power++, left = Math.floor(left / 2)) {
      if (left % 2 === 1) at = image(this.#power(power), at)
    }
    return [...at] as unknown as State
  }

  #power(exponent: number): BitMap {
    const last = this.#powers.length - 1
    if (exponent <= last) return this.#powers[exponent]!
    const half = this.#power(exponent - 1)
    const map = new Uint32Array(bits * words)
    for (let at = 0; at < map.length; at += words) map.set(image(half, half.subarray(at, at + words)), at)
    this.#powers.push(map)
    return map
  }
}

function image(map: BitMap, state: Uint32Array): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(words)
  for (let bit = 0; bit < bits; bit++) {
    if (((state[bit >> 5]! >>> (bit & 31)) & 1) === 0) continue
    for (let word = 0; word < words; word++) to[word]! ^= map[bit * words + word]!
  }
  return to
}
