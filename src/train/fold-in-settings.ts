import { InputError } from '../errors.ts'
import type { ModelParts } from '../model/parts.ts'
import { type ResolvedOptions, resolveOptions } from './options.ts'

/** What a caller may say of new rows; undefined is as the model's training was. */
interface RowSettings {
  regularization?: number | undefined
  epochs?: number | undefined
  seed?: number | undefined
}

/** The options of the model's training, with what the caller changes. */
export function foldInSettings(parts: ModelParts, { regularization, epochs, seed }: RowSettings): ResolvedOptions {
  let own: ResolvedOptions
  try {
    own = resolveOptions(parts.options)
  } catch (error) {
    throw new InputError(`the options of the model are not ones of a training: ${(error as Error).message}`)
  }
  const wanted = Object.entries({ regularization, epochs, seed }).filter(([, value]) => value !== undefined)
  const checked = resolveOptions(Object.fromEntries(wanted))
  const lambda = regularization === undefined ? undefined : checked.regularization
  return {
    ...own,
    ...(own.optimizer === 'adam' && own.solver === 'minibatch' ? decayAsPenalty(own, parts, lambda) : {}),
    ...(seed === undefined ? {} : { seed: checked.seed }),
    ...(lambda === undefined ? {} : { userRegularization: lambda, itemRegularization: lambda }),
    epochs: epochs === undefined ? Math.min(50, own.epochs) : checked.epochs,
  }
}

/**
 * Adam's weight decay works on the gradient of a batch's mean square, 2 / B sum e q: over an epoch of N entries as the
 * penalty N / 2 times as large beside the sum of squares. A model without its N entries needs another lambda.
 */
function decayAsPenalty(options: ResolvedOptions, { seen }: ModelParts, lambda: number | undefined) {
  if (seen === undefined && lambda === undefined) {
    throw new InputError(
      'the model keeps no training entries, whose number says what the weight decay of adam is as a penalty; give a regularization',
    )
  }
  if (seen === undefined) return { biasRegularization: lambda! }
  const half = seen.items.length / 2
  return {
    userRegularization: half * options.userRegularization,
    itemRegularization: half * options.itemRegularization,
    biasRegularization: half * options.biasRegularization,
  }
}
