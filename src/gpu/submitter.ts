import { capture } from './capture.ts'
import type { Gpu } from './gpu.ts'
import type { GpuTimer } from './timer.ts'

/** Submits of about this length keep watchdogs quiet (they kill work of about 2 s) and a page alive. */
const targetSeconds = 0.1

/** Submits under way at once: one that runs, one that waits behind it. */
const depth = 2

/** What some steps need to be written before they run. */
export interface Load {
  /** The end of these steps. */
  end: number
  write(): void
}

interface Flight {
  steps: number
  done: Promise<void>
}

/**
 * Submits a long run of like steps in pieces of about 100 ms: measures how long a step takes and packs as many into the
 * next piece. How the steps are cut has no bearing on what they compute.
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
   * Encodes steps 0 to count - 1. Returns when all but the last pieces are done.
   * @param loads one after another, the first for the steps from 0 on; each is written ahead of its steps, which share no
   *   submit with others. Steps beyond the last one's end need none.
   * @throws the signal's reason between two pieces.
   */
  async run(
    label: string,
    count: number,
    encode: (pass: GPUComputePassEncoder, step: number) => void,
    signal?: AbortSignal,
    loads: readonly Load[] = [],
  ): Promise<void> {
    const flights: Flight[] = []
    let last = performance.now()
    const land = async () => {
      const flight = flights.shift()!
      await this.#gpu.wait(flight.done)
      const now = performance.now()
      const perStep = (now - last) / 1000 / flight.steps
      last = now
      const wanted = Math.floor(targetSeconds / Math.max(perStep, 1e-7))
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
    while (flights.length > 0) await land()
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
