import { FlateErrorCode, Gunzip, gunzipSync } from 'fflate'
import { InputError } from '../errors.ts'
import { crc32 } from './crc32.ts'
import { joined } from './text.ts'

const MAGIC = [0x1f, 0x8b, 0x08]

/** CRC-32 and size of the data, behind it. */
const TRAILER = 8

/** Bytes that fflate looks at behind a member before it goes on or gives up. */
const LOOKAHEAD = 4

/** Deflate expands to at most 1032 times its size, so that a piece makes no more than 32 MiB. */
const PIECE = 1 << 15

/** Bytes kept to look at a trailer again: more than the header of the member behind it has. */
const KEPT = 1 << 17

/**
 * Decompresses gzip data piece by piece, with all its members and their check sums. Zeros behind the last member are
 * padding. Streams of browsers (`DecompressionStream`) take no second member, and fflate checks no sums.
 */
export class GzipDecoder {
  readonly #file: string
  readonly #gunzip: Gunzip
  #out: Uint8Array[] = []
  #crc = 0
  /** Bytes of the member so far, modulo 2^32. */
  #size = 0
  /** The last bytes given to fflate, and how many they were in all. */
  #kept: Uint8Array = new Uint8Array(0)
  #fed = 0
  /** Zeros that the data has ended with so far: not given to fflate, because they may be padding. */
  #zeros = 0
  #silent = 0

  constructor(file: string) {
    this.#file = file
    this.#gunzip = new Gunzip(data => {
      this.#silent = 0
      if (data.length === 0) return
      this.#crc = crc32(data, this.#crc)
      this.#size = (this.#size + data.length) >>> 0
      this.#out.push(data)
    })
    this.#gunzip.onmember = offset => this.#checkTrailer(offset)
  }

  /** @throws InputError where the data is damaged. */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let end = bytes.length
    while (end > 0 && bytes[end - 1] === 0) end--
    if (end > 0) {
      for (; this.#zeros > 0; this.#zeros -= Math.min(this.#zeros, PIECE)) {
        yield* this.#feed(new Uint8Array(Math.min(this.#zeros, PIECE)))
      }
    }
    for (let at = 0; at < end; at += PIECE) yield* this.#feed(bytes.subarray(at, Math.min(end, at + PIECE)))
    this.#zeros += bytes.length - end
  }

  /**
   * Where the last member ends is known as soon as fflate refuses what stands behind it, so zeros are put there.
   * @throws InputError where the data is cut off or damaged.
   */
  *end(): Generator<Uint8Array> {
    const size = this.#fed + this.#zeros
    const last = this.#fed
    const end = this.#memberEnd(size + TRAILER + LOOKAHEAD)
    if (end === undefined || end > size || this.#isMagic(end, last)) {
      throw new InputError('the gzip data ends too early: the file is cut off', { file: this.#file })
    }
    this.#checkTrailer(end)
    if (last > end) throw this.#damaged()
    yield* this.#taken()
  }

  /** Whether the bytes from `start` to `end` are the first of a member's magic. */
  #isMagic(start: number, end: number): boolean {
    const offset = this.#fed - this.#kept.length
    const bytes = this.#kept.subarray(Math.max(0, start - offset), Math.max(0, end - offset))
    return bytes.length > 0 && bytes.length < MAGIC.length && bytes.every((byte, at) => byte === MAGIC[at])
  }

  #memberEnd(limit: number): number | undefined {
    while (this.#fed < limit) {
      try {
        this.#pushPiece(new Uint8Array(1))
      } catch (error) {
        return isHeaderError(error) ? this.#fed - LOOKAHEAD : undefined
      }
    }
    return undefined
  }

  *#feed(piece: Uint8Array): Generator<Uint8Array> {
    try {
      this.#pushPiece(piece)
    } catch (error) {
      throw error instanceof InputError ? error : this.#damaged(error)
    }
    yield* this.#taken()
  }

  #pushPiece(piece: Uint8Array): void {
    this.#kept = joined(this.#kept.subarray(Math.max(0, this.#kept.length - KEPT)), piece)
    this.#fed += piece.length
    this.#silent += piece.length
    if (this.#silent > KEPT) throw this.#damaged()
    this.#gunzip.push(piece)
  }

  #taken(): Uint8Array[] {
    const out = this.#out
    this.#out = []
    return out
  }

  /** Compares the sums of a member that ends before `offset` with those in its trailer, and begins with the next. */
  #checkTrailer(offset: number): void {
    const at = offset - TRAILER - (this.#fed - this.#kept.length)
    if (at < 0) throw this.#damaged()
    const trailer = new DataView(this.#kept.buffer, this.#kept.byteOffset + at, TRAILER)
    if (trailer.getUint32(0, true) !== this.#crc || trailer.getUint32(4, true) !== this.#size) throw this.#damaged()
    this.#crc = 0
    this.#size = 0
  }

  #damaged(cause?: unknown): InputError {
    return new InputError('the gzip data is damaged', { file: this.#file }, { cause })
  }
}

function isHeaderError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === FlateErrorCode.InvalidHeader
}

/** Decompresses one gzip member whose data is `size` bytes. @throws Error where it is damaged or has another size. */
export function gunzipTo(bytes: Uint8Array, size: number): Uint8Array {
  const data = gunzipSync(bytes, { out: new Uint8Array(size) })
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - TRAILER, TRAILER)
  if (trailer.getUint32(4, true) !== size || trailer.getUint32(0, true) !== crc32(data)) {
    throw new Error('the check sums of gzip data do not agree')
  }
  return data
}
