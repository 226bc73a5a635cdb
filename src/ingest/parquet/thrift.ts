/** Types of Thrift's compact protocol. */
const STOP = 0
const FALSE = 2
const BYTE = 3
const I16 = 4
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const STRUCT = 12

const DEEPEST = 32

/** The bytes end within a struct. */
class EndOfBytes extends Error {}

/**
 * Where the Thrift struct in compact notation that begins at `start` ends, or undefined where the bytes end first. What
 * this lets pass is safe to parse: a list has no more elements than there are bytes, and nothing is nested deeply.
 * @throws Error for bytes that are no such struct.
 */
export function structEnd(bytes: Uint8Array, start: number): number | undefined {
  try {
    return new Skimmer(bytes, start).struct(0)
  } catch (error) {
    if (error instanceof EndOfBytes) return undefined
    throw error
  }
}

class Skimmer {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  struct(depth: number): number {
    if (depth > DEEPEST) throw new Error('a Thrift struct is nested too deeply')
    for (;;) {
      const head = this.#byte()
      if ((head & 15) === STOP) return this.#at
      if (head >> 4 === 0) this.#integer()
      const type = head & 15
      // A boolean field has its value in its type.
      if (type > FALSE) this.#value(type, depth)
    }
  }

  #value(type: number, depth: number): void {
    if (type === BYTE) this.#skip(1)
    else if (type >= I16 && type <= I64) this.#integer()
    else if (type === DOUBLE) this.#skip(8)
    else if (type === BINARY) this.#skip(this.#integer())
    else if (type === LIST) this.#list(depth)
    else if (type === STRUCT) this.struct(depth + 1)
    else throw new Error(`Thrift type ${type} does not occur in Parquet`)
  }

  #list(depth: number): void {
    if (depth > DEEPEST) throw new Error('a Thrift list is nested too deeply')
    const head = this.#byte()
    const type = head & 15
    const size = head >> 4 === 15 ? this.#integer() : head >> 4
    if (type === STOP) throw new Error('a Thrift list has no type')
    if (size > this.#bytes.length - this.#at) throw new EndOfBytes('a Thrift list is longer than its bytes')
    for (let element = 0; element < size; element++) this.#value(type <= FALSE ? BYTE : type, depth + 1)
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new EndOfBytes('a Thrift struct does not end')
    return byte
  }

  #skip(count: number): void {
    if (count > this.#bytes.length - this.#at) throw new EndOfBytes('a Thrift field does not end')
    this.#at += count
  }

  /** An unsigned integer in groups of seven bits, of at most 64. */
  #integer(): number {
    let value = 0
    for (let place = 0; place < 10; place++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * 2 ** (7 * place)
      if (byte < 0x80) return value
    }
    throw new Error('a Thrift integer is too long')
  }
}
