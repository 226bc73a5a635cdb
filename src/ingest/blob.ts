import { InputError } from '../errors.ts'
import type { TextKind } from './source.ts'

/** The bytes of a file as a `Blob` or a `File` of a page, a worker or Node holds them. */
export interface ByteBlob {
  /** Bytes. */
  readonly size: number
  /** The file's name, where it has one. */
  readonly name?: string
  /** The bytes from `start` to the one before `end`, not read yet. */
  slice(start: number, end: number): ByteBlob
  arrayBuffer(): Promise<ArrayBuffer>
}

/** Bytes a read, so that a worker sees its messages in between. */
const CHUNK = 1 << 20

/** The same for compressed text, of which a read may give many times as much. */
const COMPRESSED_CHUNK = 1 << 16

/** @throws InputError where the bytes cannot be read, as those of a file that has changed since it was chosen. */
export async function blobBytes(
  blob: ByteBlob,
  start: number,
  end: number,
  file: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = await blob
    .slice(start, end)
    .arrayBuffer()
    .catch((cause: unknown) => {
      throw new InputError('the file cannot be read', { file }, { cause })
    })
  if (buffer.byteLength !== end - start) throw new InputError('the file ends before its size', { file })
  return new Uint8Array(buffer)
}

/**
 * The decompressed bytes of a text file, in order.
 * @throws InputError where the file cannot be read, or its compressed data is cut off or damaged.
 */
export async function* blobChunks(
  blob: ByteBlob,
  kind: TextKind,
  file: string,
  onProgress: (bytes: number, total: number) => void,
): AsyncGenerator<Uint8Array> {
  const size = kind === 'plain' ? CHUNK : COMPRESSED_CHUNK
  const decoder = await decoderFor(kind, file)
  for (let start = 0; start < blob.size; start += size) {
    const end = Math.min(blob.size, start + size)
    const bytes = await blobBytes(blob, start, end, file)
    onProgress(end, blob.size)
    if (decoder === undefined) yield bytes
    else yield* decoder.push(bytes)
  }
  if (decoder !== undefined) yield* decoder.end()
}

/** A decoder takes the compressed bytes piece by piece, and checks at the end that they were all there. */
async function decoderFor(kind: TextKind, file: string) {
  if (kind === 'gzip') return new (await import('./gzip.ts')).GzipDecoder(file)
  if (kind === 'zstd') return new (await import('./zstd.ts')).ZstdDecoder(file)
  return undefined
}
