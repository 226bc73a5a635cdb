import { digest, ratingsPieces } from '../data/digest.ts'
import { InputError, OptionError } from '../errors.ts'
import type { AdapterDescription } from '../gpu/capabilities.ts'
import type { SolverPlan } from '../solvers/solver.ts'
import type { TrainingIdentity } from './checkpoint.ts'
import type { ResolvedOptions } from './options.ts'
import type { Mark } from './progress.ts'
import type { TrainingSetup } from './training-setup.ts'
import type { TrainingExtras } from './training-types.ts'

/** A GPU as checkpoints name it. */
export const deviceName = ({ description, vendor }: AdapterDescription): string =>
  description || vendor || 'an unnamed adapter'

/** Hashes about 0.7 GB/s off the main thread: some two seconds for 100 M entries. */
export function fingerprint(
  { ratings, validation }: TrainingSetup,
  { validation: own, from }: Pick<TrainingExtras, 'validation' | 'from'>,
): Promise<string> {
  return digest(
    (function* () {
      yield* ratingsPieces(ratings)
      // Entries that were split off follow from the ratings and the options.
      if (own !== undefined) yield* ratingsPieces(validation!)
      yield new TextEncoder().encode(JSON.stringify({ validation: own !== undefined, from: from !== undefined }))
      if (from !== undefined) yield* from.encode()
    })(),
  )
}

/**
 * Refuses to go on with other options. There may be more epochs than there were to be, but for a schedule that follows
 * from their number.
 * @throws OptionError that names all that differ
 */
export function checkOptions({ options }: TrainingIdentity, { epoch }: Mark, own: ResolvedOptions): void {
  const names = [...new Set([...Object.keys(options), ...Object.keys(own)])]
  const differ = names.filter(name => {
    if (name === 'epochs' && own.schedule !== 'cosine') return false
    return options[name] !== own[name as keyof ResolvedOptions]
  })
  if (differ.length > 0) {
    const words = differ.map(
      name => `"${name}" ${shown(options[name])} (now ${shown(own[name as keyof ResolvedOptions])})`,
    )
    throw new OptionError(differ[0]!, `the checkpoint is of a training with ${words.join(', ')}; take the same options`)
  }
  if (own.epochs < epoch) {
    throw new OptionError('epochs', `"epochs" is ${own.epochs}, and the checkpoint is of epoch ${epoch} already`)
  }
}

const shown = (value: unknown) => (value === undefined ? 'left out' : String(value))

/** @throws InputError */
export function checkData(identity: TrainingIdentity, data: string): void {
  if (identity.data === data) return
  throw new InputError(
    'the checkpoint is of a training on other data: entries, their order, ids or what is held out of them differ',
  )
}

/** The figures in which two plans differ, in words; undefined where there is none. */
export function planDifference(was: Readonly<Record<string, unknown>>, plan: SolverPlan): string | undefined {
  const names = [...new Set([...Object.keys(was), ...Object.keys(plan)])]
  const differ = names.filter(name => was[name] !== plan[name])
  if (differ.length === 0) return undefined
  return differ.map(name => `${name} ${shown(plan[name])}, not ${shown(was[name])}`).join('; ')
}

/** @throws InputError */
export function checkPlan({ plan: was, adapter }: TrainingIdentity, plan: SolverPlan): void {
  const difference = planDifference(was, plan)
  if (difference === undefined) return
  throw new InputError(
    `this device cuts the work in another way than ${adapter}, where the checkpoint was taken (${difference}): its tables do not fit here`,
  )
}
