import type { Ratings } from '../../src/data/ratings.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { Model } from '../../src/model/model.ts'
import { Checkpoint } from '../../src/train/checkpoint.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { Training } from '../../src/train/training.ts'

/** The model's file, but for how the work was cut. */
export const modelBytes = (model: Model): Buffer => Buffer.concat(new Model({ ...model.parts, plan: {} }).encode())

/** The model of a training that ends after some epochs, and goes on from its checkpoint in another one. */
export async function fitInTwo(gpu: Gpu, ratings: Ratings, options: TrainOptions, epochs: number): Promise<Model> {
  const first = new Training(gpu, ratings, options)
  for (let epoch = 0; epoch < epochs; epoch++) await first.step()
  const file = Buffer.concat(await (await first.checkpoint()).encode())
  first.destroy()
  const second = new Training(gpu, ratings, { ...options, resume: await Checkpoint.decode(file) })
  while ((await second.step()) !== undefined);
  return (await second.finish()).model
}
