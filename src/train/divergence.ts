import { DivergedError, type Interrupted } from '../errors.ts'
import type { EpochSums } from '../solvers/solver.ts'
import type { Progress } from './progress.ts'
import type { TrainingSetup } from './training-setup.ts'

/** An epoch after which the tables are of no use. */
export class Divergence extends Error {
  constructor(
    readonly loss: number,
    readonly failure: EpochSums['failure'],
  ) {
    super('diverged')
  }
}

/** @throws Divergence for sums that are not finite, and for a loss that grows without bound */
export function checkConvergent(
  { penalty, failure }: EpochSums,
  trainLoss: number,
  { divergedAbove }: Pick<TrainingSetup, 'divergedAbove'>,
): void {
  if (!Number.isFinite(trainLoss) || !Number.isFinite(penalty) || trainLoss > divergedAbove) {
    throw new Divergence(trainLoss, failure)
  }
}

/** The error for a divergence in the next epoch, with what to try against it. */
export function divergedError<Result>(
  { loss, failure }: Divergence,
  { options, ratings }: TrainingSetup,
  { epoch, rateScale }: Progress,
  result: Interrupted<Result>['result'],
): DivergedError<Result> {
  if (failure !== undefined) {
    const { side, row } = failure
    const ids = side === 'users' ? ratings.userIds : ratings.itemIds
    return new DivergedError(epoch, loss, { row: { side, row, id: ids.at(row) } }, result)
  }
  if (options.solver === 'als') return new DivergedError(epoch, loss, {}, result)
  const suggestedRate = Number(((options.learningRate * rateScale) / 4).toPrecision(1))
  return new DivergedError(epoch, loss, { suggestedRate }, result)
}
