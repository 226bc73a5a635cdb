/** Longest line that a reader takes, in bytes. */
export const LONGEST_LINE = 1 << 20

/** The problem of a longer one. */
export const TOO_LONG = `the line is longer than ${LONGEST_LINE} bytes`

const SHOWN_CHARACTERS = 200

export type TextEncoding = 'utf-8' | 'latin-1'

/**
 * A decoder that throws a TypeError for bytes that are not valid. `latin-1` is what browsers mean by it: Windows-1252,
 * in which every byte is valid.
 */
export function strictDecoder(encoding: TextEncoding): InstanceType<typeof TextDecoder> {
  return new TextDecoder(encoding === 'utf-8' ? 'utf-8' : 'windows-1252', { fatal: true, ignoreBOM: true })
}

/** Text of bytes that may be in either encoding. */
export function decodeLoosely(bytes: Uint8Array): string {
  try {
    return strictDecoder('utf-8').decode(bytes)
  } catch {
    return strictDecoder('latin-1').decode(bytes)
  }
}

/** A line as an error shows it: cut, and without control characters. */
export function shownLine(bytes: Uint8Array): string {
  const cut = bytes.subarray(0, 4 * SHOWN_CHARACTERS)
  return shownText(decodeLoosely(cut), cut.length < bytes.length)
}

/** `shownLine` of a string; `cut` where it is only the head of one. */
export function shownText(text: string, cut = false): string {
  const line = text.replace(/\r?\n?$/, '')
  const head = line.length > SHOWN_CHARACTERS || cut ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line
  return head.replace(/[^\P{Cc}\t]/gu, '\u{fffd}')
}

/** Whole lines of a file, or the head of one that is longer than `LONGEST_LINE`. */
export interface LineBlock {
  /** Ends with a line feed, also where the file does not. */
  bytes: Uint8Array
  overlong: boolean
}

const LINE_FEED = 0x0a

/** Cuts a stream of bytes into blocks of whole lines; holds no more than a chunk and `LONGEST_LINE` bytes of it. */
export async function* lineBlocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<LineBlock> {
  let pending = new Uint8Array(0)
  let overlong = false
  for await (const chunk of chunks) {
    const from = overlong ? chunk.indexOf(LINE_FEED) + 1 : 0
    if (overlong && from === 0) continue
    if (overlong) {
      yield { bytes: pending, overlong }
      pending = new Uint8Array(0)
      overlong = false
    }
    const cut = chunk.lastIndexOf(LINE_FEED) + 1
    if (cut > from) yield { bytes: joined(pending, chunk.subarray(from, cut)), overlong }
    pending = cut > from ? chunk.slice(cut) : joined(pending, chunk.subarray(from))
    if (pending.length > LONGEST_LINE) {
      pending = pending.slice(0, 4 * SHOWN_CHARACTERS + 1)
      overlong = true
    }
  }
  if (pending.length > 0) yield { bytes: overlong ? pending : joined(pending, Uint8Array.of(LINE_FEED)), overlong }
}

/** Pieces of bytes one after another. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
