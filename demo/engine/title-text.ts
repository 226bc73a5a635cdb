import { InputError } from '../../src/index.ts'

/** Bytes that a file of titles may have, packed and unpacked. */
export const MOST_BYTES = 64 * 2 ** 20

/** Characters of a title, and of a line in an error. */
const LONGEST = 200

const MAGIC = { gzip: [0x1f, 0x8b] } as const

const FOREIGN: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['a zip archive; unpack it first', [0x50, 0x4b, 0x03, 0x04]],
  ['Zstandard data; unpack it first', [0x28, 0xb5, 0x2f, 0xfd]],
  ['a Parquet file', [0x50, 0x41, 0x52, 0x31]],
  ['UTF-16 text', [0xff, 0xfe]],
  ['UTF-16 text', [0xfe, 0xff]],
]

const startsWith = (bytes: Uint8Array, magic: readonly number[]) => magic.every((byte, at) => bytes[at] === byte)

/**
 * The text of a file, plain or in gzip, in UTF-8 or else in latin-1 as browsers mean it (Windows-1252); lines end with
 * a line feed alone.
 * @throws InputError where it is of another kind, too large, empty or damaged
 */
export async function textOf(file: File): Promise<string> {
  if (file.size > MOST_BYTES) throw tooLarge(file.name)
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer())
  const foreign = FOREIGN.find(([, magic]) => startsWith(head, magic))
  if (foreign !== undefined) {
    throw new InputError(`the file is ${foreign[0]}; expected text in UTF-8 or latin-1, plain or .gz`, {
      file: file.name,
    })
  }
  const bytes = startsWith(head, MAGIC.gzip) ? await unpacked(file) : new Uint8Array(await file.arrayBuffer())
  if (bytes.length === 0) throw new InputError('the file is empty; expected titles', { file: file.name })
  if (bytes.includes(0)) throw new InputError('the file is binary; expected text', { file: file.name })
  return decoded(bytes)
}

const tooLarge = (file: string) =>
  new InputError(`the file is larger than ${MOST_BYTES / 2 ** 20} MiB, the most that titles may take`, { file })

async function unpacked(file: File): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  const reader = file.stream().pipeThrough(new DecompressionStream('gzip')).getReader()
  for (;;) {
    const { done, value } = await reader.read().catch(cause => {
      throw new InputError('the gzip data is cut off or damaged', { file: file.name }, { cause })
    })
    if (done) break
    size += value.length
    if (size > MOST_BYTES) {
      await reader.cancel()
      throw tooLarge(file.name)
    }
    parts.push(value)
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

function decoded(bytes: Uint8Array): string {
  const body = startsWith(bytes, [0xef, 0xbb, 0xbf]) ? bytes.subarray(3) : bytes
  try {
    return unified(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return unified(new TextDecoder('windows-1252').decode(body))
  }
}

const unified = (text: string) => text.replace(/\r\n?/g, '\n')

/** Compressed bytes that a guess needs: they hold some lines, and unpack to no more than about 16 MiB. */
const GUESS = 1 << 14

/**
 * Whole lines at the start of a file that are not empty, at most `count`; none where it is not text.
 * @param head the first bytes of the file
 */
export async function firstLines(head: Uint8Array, count: number): Promise<string[]> {
  const bytes = startsWith(head, MAGIC.gzip) ? await unpackedHead(head.subarray(0, GUESS)) : head
  if (bytes.includes(0) || FOREIGN.some(([, magic]) => startsWith(bytes, magic))) return []
  // A cut inside of a character must not make UTF-8 look like latin-1.
  const end = bytes.lastIndexOf(0x0a)
  return nonEmptyLines(decoded(end < 0 ? bytes : bytes.subarray(0, end)), count)
}

export function nonEmptyLines(text: string, count: number): string[] {
  const lines: string[] = []
  for (let start = 0; start < text.length && lines.length < count; ) {
    const feed = text.indexOf('\n', start)
    const end = feed < 0 ? text.length : feed
    const line = text.slice(start, end)
    if (line.trim() !== '') lines.push(line)
    start = end + 1
  }
  return lines
}

/** What the head of gzip data holds. The platform's stream drops what it has when its input is cut off; this one does not. */
async function unpackedHead(head: Uint8Array): Promise<Uint8Array> {
  const { Gunzip } = await import('fflate')
  const parts: Uint8Array<ArrayBuffer>[] = []
  try {
    new Gunzip(part => parts.push(part.slice())).push(head)
  } catch {
    return new Uint8Array(0)
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

/**
 * Text to show: without control characters, line separators and marks that turn the direction of what follows, blanks
 * made one, cut to `longest` characters.
 */
export function shown(text: string, longest = LONGEST): string {
  const plain = text
    .slice(0, 8 * longest)
    .replace(/[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, '')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return plain.length <= longest ? plain : Array.from(plain).slice(0, longest).join('')
}
