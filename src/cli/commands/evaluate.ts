import type { Command } from 'commander'
import { UNKNOWN } from '../../data/ids.ts'
import type { Ratings } from '../../data/ratings.ts'
import { Model } from '../../model/model.ts'
import { readModel } from '../../node/model-file.ts'
import { withGpu } from '../adapter.ts'
import { elapsed } from '../clock.ts'
import { count, score, table } from '../format.ts'
import { modelKind } from '../model-file.ts'
import { addReadFlags, readInput } from '../read-flags.ts'
import { perform, type Run, type Session } from '../session.ts'
import { warnOfUnknown } from '../unknown.ts'

export function addEvaluate(program: Command, session: Session): void {
  const command = program
    .command('evaluate')
    .argument('<model>', 'model file')
    .argument('<ratings>', 'ratings to test on')
    .description('measure the errors of a model on ratings')
  addReadFlags(command)
  command.action(perform(session, evaluate))
}

const evaluate: Run = async (session, command) => {
  const began = performance.now()
  const [modelFile, ratingsFile] = command.args as [string, string]
  const { parts } = await readModel(modelFile)
  const { ratings, skipped, merged } = await readInput(session, command, ratingsFile)
  return await withGpu(session, async gpu => {
    const model = new Model(parts, gpu)
    try {
      const { rmse, mae, entries, unknownUsers, unknownItems } = await model.evaluate(ratings)
      session.signal.throwIfAborted()
      session.terminal.say(table(['', 'RMSE', 'MAE', 'entries'], [['model', score(rmse), score(mae), count(entries)]]))
      warnOfUnknown(session.terminal, { entries, unknownUsers, unknownItems })
      return {
        model: modelKind(model),
        file: modelFile,
        users: knownUsers(model, ratings),
        entries,
        unknownUsers,
        unknownItems,
        rows: { skipped, merged },
        metrics: { rmse, mae },
        seconds: elapsed(began),
        adapter: gpu.capabilities.adapter,
      }
    } finally {
      model.destroy()
    }
  })
}

/** Users of the ratings that the model knows, and those that it does not. */
function knownUsers(model: Model, { userIds }: Ratings): { evaluated: number; skipped: number } {
  let evaluated = 0
  for (let u = 0; u < userIds.size; u++) if (model.parts.userIds.indexOf(userIds.at(u)) !== UNKNOWN) evaluated++
  return { evaluated, skipped: userIds.size - evaluated }
}
