import {
  biasOnlyErrors,
  evaluateRanking,
  type Gpu,
  globalMeanErrors,
  Model,
  type Ratings,
  type Split,
  seenItems,
} from '../../src/index.ts'
import type { DataAtHand } from './data.ts'
import { countsOf } from './data.ts'
import type { Yardstick } from './messages.ts'

/** Entries that the biases may pass, all sweeps together: some seconds. */
const biasWork = 5e7

/** Sweeps of the biases at least: the error is within a thousandth by then. */
const leastSweeps = 2

/** Sweeps after which the biases stand still. */
const mostSweeps = 10

/** What explicit models are held against, on the entries held out. */
export function ratingYardsticks({ train, test }: Split, noiseFloor: DataAtHand['noiseFloor']): Yardstick[] {
  const sweeps = Math.max(leastSweeps, Math.min(mostSweeps, Math.floor(biasWork / train.length)))
  return [
    { kind: 'mean', value: globalMeanErrors(train, test).rmse },
    { kind: 'biases', value: biasOnlyErrors(train, test, { sweeps }).rmse },
    ...(noiseFloor === undefined ? [] : [{ kind: 'floor' as const, value: noiseFloor(test) }]),
  ]
}

/** NDCG@10 of recommending to each user what most have and the user has not. */
export async function popularityYardstick(gpu: Gpu, { train, test }: Split, signal: AbortSignal): Promise<Yardstick> {
  const model = popularityModel(gpu, train)
  try {
    // As in the validation of implicit models, entries without a preference stand for nothing.
    const { metrics } = await evaluateRanking(model, test, { relevantAt: Number.MIN_VALUE, signal })
    return { kind: 'popular', value: metrics['ndcg@10']! }
  } finally {
    model.destroy()
  }
}

/** A model without factors whose item biases are counts. */
function popularityModel(gpu: Gpu, train: Ratings): Model {
  const { userIds, itemIds, userCount, itemCount } = train
  return new Model(
    {
      factors: 1,
      userFactors: new Float32Array(userCount),
      itemFactors: new Float32Array(itemCount),
      itemBias: Float32Array.from(countsOf(train.items, itemCount)),
      mean: 0,
      link: 'linear',
      range: { min: 0, max: 1 },
      clip: false,
      userIds,
      itemIds,
      seen: seenItems(train),
      options: { model: 'implicit' },
    },
    gpu,
  )
}
