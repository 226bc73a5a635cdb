import { capture } from './capture.ts'
import type { Gpu } from './gpu.ts'
import type { GpuTimer } from './timer.ts'

/** Submits of about this length at most keep watchdogs quiet (they kill work of about 2 s) and a page alive. */
const mostSeconds = 0.1

/** A run is cut so that the GPU works on one piece while the next is encoded, where pieces are long beside what one costs. */
const pieces = { count: 4, leastSeconds: 0.005 }

/** Submits under way at once: one that runs, one that waits behind it. */
const depth = 2

/** What some steps need to be written before they run. */
export interface Load {
  /** The end of these steps. */
  end: number
  write(): void
}

/** What goes with a run of steps. */
export interface RunExtras<T> {
  /** Its reason is thrown between two pieces. */
  signal?: AbortSignal | undefined
  /**
   * One after another, the first for the steps from 0 on; each is written ahead of its steps, which share no submit with
   * others. Steps beyond the last one's end need none.
   */
  loads?: readonly Load[] | undefined
  /** Reads what the steps leave: called once all are submitted, so that it is waited for together with them. */
  read?: (() => Promise<T>) | undefined
}

interface Flight {
  steps: number
  done: Promise<void>
}

/**
 * Submits a long run of like steps in some pieces of 100 ms at most: measures how long a step takes and packs as many into
 * the next piece. How the steps are cut has no bearing on what they compute.
 */
export class Submitter {
  readonly #gpu: Gpu
  readonly #timer: GpuTimer
  #stepsPerSubmit = 1

  constructor(gpu: Gpu, timer: GpuTimer) {
    this.#gpu = gpu
    this.#timer = timer
  }

  /**
   * Encodes steps 0 to count - 1. Returns what `read` does, when all are done.
   * @throws the signal's reason
   */
  async run<T = void>(
    label: string,
    count: number,
    encode: (pass: GPUComputePassEncoder, step: number) => void,
    { signal, loads = [], read }: RunExtras<T> = {},
  ): Promise<T> {
    const flights: Flight[] = []
    let last = performance.now()
    const land = async () => {
      const flight = flights.shift()!
      await this.#gpu.wait(flight.done)
      const now = performance.now()
      const perStep = (now - last) / 1000 / flight.steps
      last = now
      const seconds = Math.min(mostSeconds, Math.max(pieces.leastSeconds, (perStep * count) / pieces.count))
      const wanted = Math.floor(seconds / Math.max(perStep, 1e-7))
      this.#stepsPerSubmit = Math.max(1, Math.min(wanted, 2 * this.#stepsPerSubmit))
    }
    let loaded = 0
    let turn = 0
    for (let step = 0; step < count; ) {
      signal?.throwIfAborted()
      const load = step === loaded ? loads[turn++] : undefined
      if (step === loaded) loaded = turn >= loads.length ? count : load!.end
      const end = Math.min(loaded, step + this.#stepsPerSubmit)
      flights.push({ steps: end - step, done: this.#submit(label, step, end, encode, load) })
      step = end
      if (flights.length >= depth) await land()
    }
    const reading = read?.()
    reading?.catch(() => {}) // heard below, unless a piece has failed
    while (flights.length > 0) await land()
    return (await reading) as T
  }

  #submit(
    label: string,
    step: number,
    end: number,
    encode: (pass: GPUComputePassEncoder, step: number) => void,
    load: Load | undefined,
  ): Promise<void> {
    const { device } = this.#gpu
    const { settled } = capture(device, label, 0, () => {
      load?.write()
      const encoder = device.createCommandEncoder({ label })
      const pass = encoder.beginComputePass({ label, ...this.#timer.next() })
      for (let s = step; s < end; s++) encode(pass, s)
      pass.end()
      device.queue.submit([encoder.finish()])
    })
    const done = Promise.all([settled, device.queue.onSubmittedWorkDone()]).then(() => undefined)
    done.catch(() => {}) // heard when it lands; where an earlier piece has failed, nobody waits for it
    return done
  }
}
