import { type Gpu, Model, NewUser } from '../../src/index.ts'
import type { ModelSummary } from './messages.ts'

/** The model at hand. It frees its GPU memory when it is dropped and nobody uses it any more. */
export class HeldModel {
  readonly model: Model
  readonly gpu: Gpu
  readonly summary: ModelSummary
  #visitor: Promise<NewUser> | undefined
  #uses = 0
  #state: 'held' | 'dropped' = 'held'

  constructor(model: Model, gpu: Gpu, summary: ModelSummary) {
    this.model = model
    this.gpu = gpu
    this.summary = summary
  }

  async use<T>(work: (held: HeldModel) => Promise<T> | T): Promise<T> {
    this.#uses++
    try {
      return await work(this)
    } finally {
      this.#uses--
      this.#release()
    }
  }

  /** Somebody new to the model: its items lie on the GPU from the first question on. */
  visitor(): Promise<NewUser> {
    this.#visitor ??= NewUser.create(this.gpu, this.model).catch(error => {
      this.#visitor = undefined
      throw error
    })
    return this.#visitor
  }

  /** The same model on another GPU. */
  onto(gpu: Gpu): HeldModel {
    return new HeldModel(new Model(this.model.parts, gpu), gpu, this.summary)
  }

  drop(): void {
    this.#state = 'dropped'
    this.#release()
  }

  #release(): void {
    if (this.#state === 'held' || this.#uses > 0) return
    this.model.destroy()
    void this.#visitor?.then(
      visitor => visitor.destroy(),
      () => {},
    )
  }
}

export function kindOf({ parts }: Model): ModelSummary['kind'] {
  const { model } = parts.options
  return model === 'implicit' || model === 'bpr' ? model : 'explicit'
}

export function modelSummary(
  model: Model,
  origin: Pick<ModelSummary, 'source' | 'name'> & Partial<Pick<ModelSummary, 'epoch' | 'measured'>>,
): ModelSummary {
  const kind = kindOf(model)
  const { factors, range } = model.parts
  return {
    ...origin,
    kind,
    users: model.userCount,
    items: model.itemCount,
    factors,
    bytes: model.encode().reduce((sum, piece) => sum + piece.length, 0),
    ...(kind === 'explicit' ? { range: { ...range } } : {}),
  }
}
