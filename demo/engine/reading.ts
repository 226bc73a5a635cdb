import { parseRatings, type RatingsReport } from '../../src/index.ts'
import { busy } from './faults.ts'
import type { FileKind, ReadProgress } from './messages.ts'
import { looksLikeTitles } from './titles.ts'

/** Milliseconds between two reports of a reading. */
const reportEvery = 100

/** The reading of a file of ratings: one at a time, and it can be ended. */
export class Reading {
  #abort: AbortController | undefined

  get isUnderWay(): boolean {
    return this.#abort !== undefined
  }

  cancel(): void {
    this.#abort?.abort(busy('The reading was ended.'))
  }

  /** @throws Refusal where another file is being read or the reading is ended; errors of the reader */
  async ratingsOf(file: File, onProgress: ReadProgress): Promise<RatingsReport> {
    if (this.#abort !== undefined) throw busy('Another file is being read.')
    this.#abort = new AbortController()
    const { signal } = this.#abort
    try {
      const report = await parseRatings(file, { name: file.name, signal, onProgress: seldom(onProgress) })
      signal.throwIfAborted()
      return report
    } finally {
      this.#abort = undefined
    }
  }
}

/** Passes on what is reported at most ten times a second, and the end. */
function seldom(onProgress: ReadProgress): ReadProgress {
  let last = Number.NEGATIVE_INFINITY
  return (bytes, total) => {
    const now = performance.now()
    if (now - last < reportEvery && bytes < total) return
    last = now
    onProgress(bytes, total)
  }
}

/** Bytes that tell what a file is. */
const headBytes = 65_536

/** A safetensors file begins with the length of its header, eight bytes, and then the header: JSON. */
const modelBegins = 0x7b

export async function kindOfFile(file: File): Promise<FileKind> {
  const head = new Uint8Array(await file.slice(0, headBytes).arrayBuffer())
  if (file.name.endsWith('.safetensors') || isModel(head)) return 'model'
  return (await looksLikeTitles(head)) ? 'titles' : 'ratings'
}

/** Lengths of headers have zeros in their upper bytes, which text has not. */
const isModel = (head: Uint8Array) => head[8] === modelBegins && head.subarray(4, 8).every(byte => byte === 0)
