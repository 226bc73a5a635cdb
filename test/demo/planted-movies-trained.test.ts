import { expect, it } from 'vitest'
import { plantMovies } from '../../demo/engine/movies.ts'
import { type Projection, projectItems } from '../../demo/engine/projection.ts'
import { splitRandom } from '../../src/data/split.ts'
import { countRows } from '../../src/layout/rows.ts'
import { evaluateRanking } from '../../src/metrics/evaluate-ranking.ts'
import { Model } from '../../src/model/model.ts'
import { fit } from '../../src/train/fit.ts'
import { useGpu } from '../support/gpu.ts'

// What a first visit to the page sees: the error comes close to the floor, and the map shows the genres.

const context = useGpu()
const { planted, titles } = plantMovies({ entries: 100_000, seed: 1 })
const { train, test } = splitRandom(planted.ratings, { ratio: 0.1, seed: 5 })

/** Share of the spread of points in the plane that lies between the means of their groups. */
function shareBetween({ x, y }: Projection, groups: readonly number[]): number {
  const spread = (points: Float64Array) => {
    const mean = points.reduce((sum, value) => sum + value, 0) / points.length
    let all = 0
    const sums = new Map<number, { count: number; sum: number }>()
    points.forEach((value, at) => {
      all += (value - mean) ** 2
      const { count, sum } = sums.get(groups[at]!) ?? { count: 0, sum: 0 }
      sums.set(groups[at]!, { count: count + 1, sum: sum + value - mean })
    })
    const between = [...sums.values()].reduce((total, { count, sum }) => total + sum ** 2 / count, 0)
    return { between, all }
  }
  const [across, along] = [spread(x), spread(y)]
  return (across.between + along.between) / (across.all + along.all)
}

it.each(['sgd', 'als'] as const)(
  'come within a tenth of the noise floor and show their genres, by %s',
  async solver => {
    const { model } = await fit(context.gpu, train, { solver, factors: 16, epochs: solver === 'als' ? 12 : 20 })
    const { rmse } = await model.evaluate(test)
    expect(rmse).toBeLessThan(1.1 * planted.noiseFloor(test))

    const { itemFactors, itemIds } = model.parts
    const genres = Array.from({ length: itemIds.size }, (_, item) => titles.of(itemIds.at(item))!.genres[0]!)
    const points = projectItems(itemFactors, itemIds.size, 16)
    expect(shareBetween(points, genres)).toBeGreaterThan(0.6)
    expect(shareBetween(points, genres.toReversed())).toBeLessThan(0.1)
    model.destroy()
  },
)

it('are chosen by taste: an implicit model ranks them better than popularity does', async () => {
  const { model } = await fit(context.gpu, train, { model: 'implicit', factors: 16 })
  const { userCount, itemCount } = train
  const popular = new Model(
    {
      ...model.parts,
      factors: 1,
      userFactors: new Float32Array(userCount),
      itemFactors: new Float32Array(itemCount),
      itemBias: Float32Array.from(countRows(train.items, itemCount)),
    },
    context.gpu,
  )
  const ndcg = async (ranked: Model) => (await evaluateRanking(ranked, test, { at: [10] })).metrics['ndcg@10']!
  expect(await ndcg(model)).toBeGreaterThan(1.2 * (await ndcg(popular)))
  popular.destroy()
  model.destroy()
})
