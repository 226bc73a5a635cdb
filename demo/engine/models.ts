import { DeviceLostError, type Gpu, type Model } from '../../src/index.ts'
import type { Device } from './device.ts'
import { absent } from './faults.ts'
import { HeldModel } from './held-model.ts'
import type { ModelSummary } from './messages.ts'

/** The place of the model at hand, which follows it to another GPU when its own is lost. */
export class ModelPlace {
  readonly #device: Device
  #held: HeldModel | undefined

  constructor(device: Device) {
    this.#device = device
  }

  put(model: Model, gpu: Gpu, summary: ModelSummary): ModelSummary {
    this.#held?.drop()
    this.#held = new HeldModel(model, gpu, summary)
    void warmUp(this.#held)
    return summary
  }

  /**
   * Works with the model; a second time on another GPU where the first was lost.
   * @throws Refusal where there is no model
   */
  async use<T>(work: (held: HeldModel) => Promise<T> | T): Promise<T> {
    const held = await this.#ready()
    try {
      return await held.use(work)
    } catch (error) {
      if (!(error instanceof DeviceLostError)) throw error
      this.#device.leave(held.gpu)
      return await (await this.#ready()).use(work)
    }
  }

  async #ready(): Promise<HeldModel> {
    const gpu = await this.#device.gpu()
    const held = this.#held
    if (held === undefined) throw absent('There is no model yet. Train one, or load one.')
    if (held.gpu === gpu) return held
    held.drop()
    this.#held = held.onto(gpu)
    return this.#held
  }
}

/** Compiles and uploads what a visitor's first stars would wait for. What fails here fails again where it is asked for. */
async function warmUp(held: HeldModel): Promise<void> {
  try {
    await held.use(async () => {
      const visitor = await held.visitor()
      await visitor.recommend([held.model.parts.itemIds.at(0)], [held.model.parts.range.max])
    })
  } catch {}
}
