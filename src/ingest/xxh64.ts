const P1 = 0x9e3779b185ebca87n
const P2 = 0xc2b2ae3d27d4eb4fn
const P3 = 0x165667b19e3779f9n
const P4 = 0x85ebca77c2b2ae63n
const P5 = 0x27d4eb2f165667c5n

const STRIPE = 32

// `asUintN` around each operation lets V8 compute in 64-bit registers instead of with numbers of any length.
const u64 = (value: bigint) => BigInt.asUintN(64, value)
const rotated = (value: bigint, bits: bigint) => u64(u64(value << bits) | (value >> (64n - bits)))
const round = (sum: bigint, word: bigint) => u64(rotated(u64(sum + u64(word * P2)), 31n) * P1)
const merged = (hash: bigint, sum: bigint) => u64(u64((hash ^ round(0n, sum)) * P1) + P4)

/** The 64-bit xxHash with the seed 0, which Zstandard uses as check sum (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). */
export class Xxh64 {
  #sums: [bigint, bigint, bigint, bigint] = [u64(P1 + P2), P2, 0n, u64(-P1)]
  #length = 0
  readonly #pending = new Uint8Array(STRIPE)

  update(bytes: Uint8Array): void {
    let at = 0
    const waiting = this.#length % STRIPE
    this.#length += bytes.length
    if (waiting > 0) {
      at = Math.min(STRIPE - waiting, bytes.length)
      this.#pending.set(bytes.subarray(0, at), waiting)
      if (waiting + at < STRIPE) return
      this.#stripes(this.#pending)
    }
    const end = at + STRIPE * Math.floor((bytes.length - at) / STRIPE)
    this.#stripes(bytes.subarray(at, end))
    this.#pending.set(bytes.subarray(end))
  }

  digest(): bigint {
    const [a, b, c, d] = this.#sums
    let hash = P5
    if (this.#length >= STRIPE) {
      hash = u64(rotated(a, 1n) + rotated(b, 7n) + rotated(c, 12n) + rotated(d, 18n))
      for (const sum of this.#sums) hash = merged(hash, sum)
    }
    hash = u64(hash + BigInt(this.#length))
    const view = new DataView(this.#pending.buffer, 0, this.#length % STRIPE)
    let at = 0
    for (; at + 8 <= view.byteLength; at += 8) {
      hash = u64(rotated(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4)
    }
    if (at + 4 <= view.byteLength) {
      hash = u64(rotated(hash ^ u64(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3)
      at += 4
    }
    for (; at < view.byteLength; at++) hash = u64(rotated(hash ^ u64(BigInt(view.getUint8(at)) * P5), 11n) * P1)
    hash = u64((hash ^ (hash >> 33n)) * P2)
    hash = u64((hash ^ (hash >> 29n)) * P3)
    return hash ^ (hash >> 32n)
  }

  #stripes(bytes: Uint8Array): void {
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice()
    const words = new BigUint64Array(aligned.buffer, aligned.byteOffset, aligned.length / 8)
    let [a, b, c, d] = this.#sums
    for (let at = 0; at < words.length; at += 4) {
      a = round(a, words[at]!)
      b = round(b, words[at + 1]!)
      c = round(c, words[at + 2]!)
      d = round(d, words[at + 3]!)
    }
    this.#sums = [a, b, c, d]
  }
}
