import type { Gpu } from '../gpu/gpu.ts'
import { writeBuffer } from '../gpu/write.ts'

/** Words of a stretch that is written by itself. */
const manyWords = 2 ** 14

/** Words that shorter ones are gathered in. */
const gatheredWords = 2 ** 18

/** Writes stretches of the host to a buffer, from its first word on, one after another; short ones, of which there may be very many, together. */
export class StretchWriter {
  readonly #gpu: Gpu
  readonly #target: GPUBuffer
  /** Where in the buffer the next word goes. */
  #at = 0
  #gathered: Uint32Array<ArrayBuffer> | undefined
  #count = 0

  constructor(gpu: Gpu, target: GPUBuffer) {
    this.#gpu = gpu
    this.#target = target
  }

  add(words: Uint32Array<ArrayBuffer>): void {
    if (words.length >= manyWords) {
      this.flush()
      this.#write(words)
      return
    }
    if (this.#count + words.length > gatheredWords) this.flush()
    this.#gathered ??= new Uint32Array(gatheredWords)
    this.#gathered.set(words, this.#count)
    this.#count += words.length
  }

  /** Writes what is left. */
  flush(): void {
    if (this.#count > 0) this.#write(this.#gathered!.subarray(0, this.#count))
    this.#count = 0
  }

  #write(words: Uint32Array): void {
    writeBuffer(this.#gpu.device.queue, this.#target, 4 * this.#at, words)
    this.#at += words.length
  }
}
