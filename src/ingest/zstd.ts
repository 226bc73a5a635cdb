import { Decompress, decompress } from 'fzstd'
import { InputError } from '../errors.ts'
import { joined } from './text.ts'
import { Xxh64 } from './xxh64.ts'
import { type FrameHeader, frameHeader, frameLayout } from './zstd-frame.ts'

/** Data that a block may give (RFC 8878, section 3.1.1.2.4). */
const LARGEST_BLOCK = 1 << 17

const LONGEST_HEADER = 18
const BLOCK_HEADER = 3
const RLE_BLOCK = 1
const RESERVED_BLOCK = 3

/** A frame whose blocks are at hand; `bytes` of its data are there. */
interface Frame {
  header: FrameHeader
  decoder: Decompress
  bytes: number
  hash: Xxh64 | undefined
}

/** Decompresses Zstandard data piece by piece, with all its frames. */
export class ZstdDecoder {
  readonly #file: string
  #pending: Uint8Array = new Uint8Array(0)
  /** Bytes of a skippable frame still to come. */
  #skip = 0
  #frame: Frame | undefined
  #out: Uint8Array[] = []

  constructor(file: string) {
    this.#file = file
  }

  /** @throws InputError where the data is damaged. */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    const all = this.#pending.length === 0 ? bytes : joined(this.#pending, bytes)
    let at = 0
    for (let used = 1; used > 0; at += used) {
      try {
        used = this.#step(all.subarray(at))
      } catch (cause) {
        throw new InputError('the Zstandard data is damaged', { file: this.#file }, { cause })
      }
      yield* this.#out
      this.#out = []
    }
    this.#pending = all.slice(at)
  }

  /** @throws InputError where the data is cut off. */
  end(): Uint8Array[] {
    if (this.#frame === undefined && this.#skip === 0 && this.#pending.length === 0) return []
    throw new InputError('the Zstandard data ends too early: the file is cut off', { file: this.#file })
  }

  /** Takes a header, a block or a part of a frame to skip from the front of `bytes`: how many, 0 where some lack. */
  #step(bytes: Uint8Array): number {
    if (this.#skip > 0) {
      const used = Math.min(this.#skip, bytes.length)
      this.#skip -= used
      return used
    }
    return this.#frame === undefined ? this.#begin(bytes) : this.#block(bytes, this.#frame)
  }

  #begin(bytes: Uint8Array): number {
    if (bytes.length < 5) return 0
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const magic = view.getUint32(0, true)
    if ((magic & 0xfffffff0) >>> 0 === 0x184d2a50) {
      if (bytes.length < 8) return 0
      this.#skip = view.getUint32(4, true)
      return 8
    }
    if (magic !== 0xfd2fb528) throw new Error('a frame does not begin with its magic')
    if (bytes.length < frameLayout(bytes[4]!).bytes) return 0
    const header = frameHeader(bytes)
    const hash = header.checksum > 0 ? new Xxh64() : undefined
    const frame = { header, hash, bytes: 0, decoder: new Decompress(data => this.#take(data)) }
    frame.decoder.push(bytes.slice(0, header.bytes))
    this.#frame = frame
    return header.bytes
  }

  #take(data: Uint8Array): void {
    if (data.length > 0) this.#out.push(data)
    if (this.#frame === undefined) return
    this.#frame.bytes += data.length
    this.#frame.hash?.update(data)
  }

  #block(bytes: Uint8Array, frame: Frame): number {
    if (bytes.length < BLOCK_HEADER) return 0
    const word = bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16)
    const last = (word & 1) === 1
    const type = (word >> 1) & 3
    const size = word >> 3
    if (type === RESERVED_BLOCK || size > LARGEST_BLOCK) throw new Error('a block is of no known type or too large')
    const used = BLOCK_HEADER + (type === RLE_BLOCK ? 1 : size) + (last ? frame.header.checksum : 0)
    if (bytes.length < used) return 0
    frame.decoder.push(bytes.slice(0, used), last)
    if (last) {
      checkFrame(frame, bytes.subarray(used - frame.header.checksum, used))
      this.#frame = undefined
    }
    return used
  }
}

/** Compares the size and the sum of a frame's data with those that it says; `checksum` is empty where it says none. */
function checkFrame({ header, bytes, hash }: Frame, checksum: Uint8Array): void {
  if (header.size !== undefined && header.size !== bytes) throw new Error('a frame has another size')
  if (hash === undefined) return
  const sum = Number(BigInt.asUintN(32, hash.digest()))
  if (sum !== new DataView(checksum.buffer, checksum.byteOffset).getUint32(0, true)) {
    throw new Error('the check sum of a frame does not agree')
  }
}

/** Decompresses data of `size` bytes. @throws Error where it is damaged or has another size. */
export function unzstdTo(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length >= LONGEST_HEADER && frameHeader(bytes).size === size) {
    return decompress(bytes, new Uint8Array(size))
  }
  const decoder = new ZstdDecoder('a page')
  const data = new Uint8Array(size)
  let at = 0
  try {
    for (const piece of decoder.push(bytes)) {
      data.set(piece, at)
      at += piece.length
    }
    decoder.end()
  } catch (cause) {
    // The error names a page, and its caller the file.
    throw new Error('the Zstandard data of a page is damaged', { cause })
  }
  if (at !== size) throw new Error('the data has another size')
  return data
}
