import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { Model } from '../../src/model/model.ts'
import { Checkpoint } from '../../src/train/checkpoint.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { Training } from '../../src/train/training.ts'
import { useGpu } from '../support/gpu.ts'

const device = useGpu()

function shared<Words extends Uint8Array | Uint32Array | Float32Array>(words: Words): Words {
  const copy = new (words.constructor as new (memory: SharedArrayBuffer) => Words)(
    new SharedArrayBuffer(words.byteLength),
  )
  copy.set(words)
  return copy
}

const together = (pieces: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(pieces))

describe('memory that threads share', () => {
  const { ratings } = plantedRatings({ users: 120, items: 90, entries: 3000, seed: 4 })
  const { users, items, values, userIds, itemIds } = ratings
  const sharedRatings = new Ratings({
    users: shared(users),
    items: shared(items),
    values: shared(values),
    userIds,
    itemIds,
  })

  const kinds: TrainOptions[] = [
    {},
    { solver: 'minibatch' },
    { solver: 'als' },
    { model: 'implicit' },
    { model: 'bpr' },
  ]
  it.each(kinds)('is trained on, gone on from and evaluated like any other: %o', async kind => {
    const options = { ...kind, factors: 6, epochs: 2, seed: 3 }
    const train = async (entries: Ratings, own: (bytes: Uint8Array) => Uint8Array) => {
      const first = new Training(device.gpu, entries, options)
      await first.step()
      const checkpoint = own(together(await (await first.checkpoint()).encode()))
      first.destroy()
      const resume = await Checkpoint.decode(checkpoint)
      const training = new Training(device.gpu, entries, { ...options, resume })
      while ((await training.step()) !== undefined);
      const { model } = await training.finish()
      const file = together(model.encode())
      const read = Model.decode(own(file), device.gpu)
      const [best] = await read.recommend(userIds.at(5), { k: 1 })
      const errors = await read.evaluate(entries)
      for (const used of [model, read]) used.destroy()
      return { file, errors, best }
    }
    expect(await train(sharedRatings, shared)).toEqual(await train(ratings, bytes => bytes))
  })
})
