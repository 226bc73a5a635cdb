import { type SeenItems, seenItems } from '../data/seen.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Model } from '../model/model.ts'
import type { SolverPlan } from '../solvers/solver.ts'
import type { EpochReport } from './epoch-report.ts'
import type { KeptState } from './state-keeper.ts'
import type { TrainingSetup } from './training-setup.ts'
import type { FitResult, TrainingExtras } from './training-types.ts'
import { warmSeen } from './warm-start.ts'

/** What the parameters of a training come from, beside its setup. */
export interface Trained {
  state: KeptState
  plan: SolverPlan
  epochs: EpochReport[]
  packSeconds: number
}

/** The result of a training that ends with these parameters. */
export function resultOf(
  gpu: Gpu,
  setup: TrainingSetup,
  extras: Pick<TrainingExtras, 'keepSeen' | 'from'>,
  { state, plan, epochs, packSeconds }: Trained,
): FitResult {
  const { options, scale, ratings } = setup
  const { userFactors, itemFactors, userBias, itemBias } = state.parameters
  const model = new Model(
    {
      ...scale,
      factors: options.factors,
      userFactors,
      itemFactors,
      ...(options.biases && options.model !== 'bpr' ? { userBias } : {}),
      ...(options.biases ? { itemBias } : {}),
      userIds: ratings.userIds,
      itemIds: ratings.itemIds,
      ...(extras.keepSeen === false ? {} : { seen: seenIn(setup, extras) }),
      options: { ...options },
      plan,
    },
    gpu,
  )
  const train = epochs.reduce((sum, { seconds }) => sum + seconds, 0)
  return { model, epochs, epoch: state.epoch, options, plan, seconds: { pack: packSeconds, train } }
}

function seenIn({ ratings }: TrainingSetup, { from }: Pick<TrainingExtras, 'from'>): SeenItems {
  const seen = seenItems(ratings)
  return from === undefined ? seen : warmSeen(from, seen)
}
