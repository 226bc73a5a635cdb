import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { plantedRatings } from '../../data/planted.ts'
import { splitRandom } from '../../data/split.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import type { TrainOptions } from '../../train/options.ts'
import { type Reopen, withGpu } from '../adapter.ts'
import { lineChart } from '../chart.ts'
import { elapsed } from '../clock.ts'
import { counted, rate, score, seconds, table } from '../format.ts'
import { saveModel } from '../model-file.ts'
import { checkWritable } from '../out-file.ts'
import { perform, type Run, type Session } from '../session.ts'
import { baselines, errorTable, runTraining } from '../training-run.ts'
import { fileValue, integerValue } from '../values.ts'

/** About the shape of MovieLens 1M; a software GPU too trains on it in a second or two. */
const shape = { users: 6040, items: 3706, entries: 1_000_000 } as const

const plantedRank = 4

/**
 * Parameters and noise are planted as Gaussians, so the likeliest parameters minimise the squared errors plus
 * lambda |parameter|^2 once a row (frobenius), where lambda = variance of the noise / variance of the parameter:
 * 0.36 / 0.3 for the factors of rank 4, 0.36 / 0.1225 for the biases.
 */
const options = {
  factors: 8,
  epochs: 15,
  learningRate: 0.15,
  penalty: 'frobenius',
  regularization: 1.2,
  biasRegularization: 2.9,
} as const satisfies TrainOptions

interface Words {
  out?: string
  seed?: number
}

export function addQuickstart(program: Command, session: Session): void {
  program
    .command('quickstart')
    .description('train on a synthetic set and show what comes out; needs no data')
    .addOption(
      new Option('--out <file>', 'model file to write (default: model.safetensors)').argParser(fileValue('--out')),
    )
    .addOption(
      new Option('--seed <n>', 'fixes every random draw (default: 0)').argParser(
        integerValue('--seed', 0, 2 ** 32 - 1),
      ),
    )
    .action(perform(session, quickstart))
}

const quickstart: Run = async (session, command) => {
  const { out = 'model.safetensors', seed = 0 } = command.opts<Words>()
  await checkWritable(out)
  return await withGpu(session, (gpu, reopen) => runQuickstart(session, gpu, reopen, out, seed))
}

async function runQuickstart(session: Session, gpu: Gpu, reopen: Reopen, out: string, seed: number): Promise<object> {
  const { terminal, signal } = session
  const began = performance.now()
  const planted = plantedRatings({ ...shape, rank: plantedRank, seed })
  const { train, test } = splitRandom(planted.ratings, { ratio: 0.1, seed })
  const floor = planted.noiseFloor(test)
  const counts = [
    counted(planted.ratings.length, 'rating'),
    counted(train.userCount, 'user'),
    counted(train.itemCount, 'item'),
  ]
  terminal.say(`planted set: ${counts.join(', ')}, of rank ${plantedRank} plus noise; a tenth of it is for the test`)

  const result = await runTraining(session, gpu, train, { ...options, seed }, { reopen })
  const { model, epochs, updatesPerSecond } = result
  try {
    const errors = await model.evaluate(test)
    const yardsticks = baselines(model, train, test)
    const user = model.parts.userIds.at(0)
    const recommended = await model.recommend(user)
    signal.throwIfAborted()
    terminal.say(`\ntraining loss (mean squared error) over ${counted(epochs.length, 'epoch')}`)
    terminal.say(lineChart(epochs.map(epoch => epoch.trainLoss)))
    terminal.say(`${seconds(result.seconds.train)}, ${rate(updatesPerSecond)} entries/s\n`)
    terminal.say(errorTable(errors, yardsticks, floor))
    terminal.say(`\nten recommendations for user ${user}, of the items without a rating of that user`)
    terminal.say(
      table(
        ['item', 'prediction'],
        recommended.map(({ item, prediction }) => [String(item), score(prediction)]),
      ),
    )
    await saveModel(terminal, resolve(out), model)
    terminal.say(`next: lowrank recommend ${out} --user ${user}, or lowrank train with a file of your own`)
    return {
      users: train.userCount,
      items: train.itemCount,
      entries: { ...result.entries, test: test.length },
      options: result.options,
      plan: result.plan,
      epochs,
      metrics: { test: errors },
      baselines: yardsticks,
      noiseFloor: floor,
      recommendations: { user, items: recommended },
      updatesPerSecond,
      seconds: { ...result.seconds, total: elapsed(began) },
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      adapter: gpu.capabilities.adapter,
      out: resolve(out),
    }
  } finally {
    model.destroy()
  }
}
