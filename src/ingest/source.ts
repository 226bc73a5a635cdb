import { InputError } from '../errors.ts'
import { PACKED_MAGIC } from './packed/header.ts'
import type { TextEncoding } from './text.ts'

export type SourceKind = 'plain' | 'gzip' | 'zstd' | 'parquet' | 'packed'

/** Kinds that hold text. */
export type TextKind = Exclude<SourceKind, 'parquet' | 'packed'>

/** A text file, wherever it comes from. */
export interface TextSource {
  /** What errors call the file. */
  file: string
  /** Whether `chunks` has turned the text into UTF-8 already. */
  recoded: boolean
  /**
   * The decompressed bytes, in order, from the start each time.
   * @throws InputError where the file cannot be read, or its compressed data is cut off or damaged.
   */
  chunks(encoding: TextEncoding, onProgress: (bytes: number, total: number) => void): AsyncGenerator<Uint8Array>
}

/** First bytes that `sourceKind` looks at. */
export const MAGIC_BYTES = 8

const hex = (bytes: Uint8Array) => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

const PACKED = hex(PACKED_MAGIC)

const FOREIGN: readonly (readonly [name: string, magic: string])[] = [
  ['a zip archive', '504b0304'],
  ['bzip2 data', '425a68'],
  ['xz data', 'fd377a585a00'],
  ['lz4 data', '04224d18'],
  ['a 7z archive', '377abcaf271c'],
  ['UTF-16 text', 'fffe'],
  ['UTF-16 text', 'feff'],
]

/**
 * What the first bytes of a file say that it is.
 * @throws InputError where it is empty, or of a kind that no reader takes.
 */
export function sourceKind(head: Uint8Array, file: string): SourceKind {
  if (head.length === 0) throw new InputError('the file is empty; expected ratings', { file })
  const magic = hex(head.subarray(0, MAGIC_BYTES))
  const foreign = FOREIGN.find(([, start]) => magic.startsWith(start))
  if (foreign !== undefined) {
    throw new InputError(
      `the file is ${foreign[0]}; expected text in UTF-8 or latin-1, plain, .gz or .zst, Parquet or packed ratings`,
      { file },
    )
  }
  if (magic.startsWith('1f8b')) return 'gzip'
  if (magic.startsWith('28b52ffd') || /^5[0-9a-f]2a4d18/.test(magic)) return 'zstd'
  if (magic === PACKED) return 'packed'
  return magic.startsWith('50415231') ? 'parquet' : 'plain'
}
