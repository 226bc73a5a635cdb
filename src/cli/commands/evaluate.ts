import { type Command, Option } from 'commander'
import { UNKNOWN } from '../../data/ids.ts'
import type { Ratings } from '../../data/ratings.ts'
import { type Evaluation, Model } from '../../model/model.ts'
import { readModel } from '../../node/model-file.ts'
import { withGpu } from '../adapter.ts'
import { elapsed } from '../clock.ts'
import { count, score, table } from '../format.ts'
import { modelKind } from '../model-file.ts'
import { addRankingFlags, measureRanking, type RankingWords } from '../ranking-run.ts'
import { addReadFlags, readInput } from '../read-flags.ts'
import { perform, type Run, type Session } from '../session.ts'
import { warnOfUnknown } from '../unknown.ts'
import { fileValue } from '../values.ts'

interface Words extends RankingWords {
  seen?: string
}

export function addEvaluate(program: Command, session: Session): void {
  const command = program
    .command('evaluate')
    .argument('<model>', 'model file')
    .argument('<ratings>', 'ratings to test on')
    .description('measure the errors of a model on ratings, and how well it ranks')
    .addOption(
      new Option('--seen <file>', 'ratings to leave out of the ranking, beside those of the training').argParser(
        fileValue('--seen'),
      ),
    )
    .option('--include-seen', 'items that the user has rated in the training may appear in the ranking')
  addRankingFlags(command)
  addReadFlags(command)
  command.action(perform(session, evaluate))
}

const evaluate: Run = async (session, command) => {
  const began = performance.now()
  const [modelFile, ratingsFile] = command.args as [string, string]
  const words = command.opts<Words>()
  const model = await readModel(modelFile)
  const { ratings, skipped, merged } = await readInput(session, command, ratingsFile)
  const seen = words.seen === undefined ? undefined : (await readInput(session, command, words.seen)).ratings
  return await withGpu(session, async gpu => {
    const onGpu = new Model(model.parts, gpu)
    try {
      const errors = modelKind(model) === 'explicit' ? await measureErrors(session, onGpu, ratings) : undefined
      const ranking = isRanking(words, model) ? await measureRanking(session, onGpu, ratings, words, seen) : undefined
      const { entries, unknownUsers, unknownItems } = (errors ?? ranking)!
      return {
        model: modelKind(model),
        file: modelFile,
        users: ranking?.users ?? knownUsers(model, ratings),
        entries,
        unknownUsers,
        unknownItems,
        ...(ranking === undefined ? {} : { alreadySeen: ranking.alreadySeen }),
        rows: { skipped, merged },
        metrics: { ...(errors === undefined ? {} : { rmse: errors.rmse, mae: errors.mae }), ...ranking?.metrics },
        seconds: elapsed(began),
        adapter: gpu.capabilities.adapter,
      }
    } finally {
      onGpu.destroy()
    }
  })
}

/** Whether to rank: where a flag asks for it, and always where a model predicts no ratings. */
function isRanking({ at, relevantAt, seen, includeSeen, auc }: Words, model: Model): boolean {
  return modelKind(model) !== 'explicit' || [at, relevantAt, seen, includeSeen, auc].some(word => word !== undefined)
}

async function measureErrors({ terminal, signal }: Session, model: Model, ratings: Ratings): Promise<Evaluation> {
  const errors = await model.evaluate(ratings)
  signal.throwIfAborted()
  const row = ['model', score(errors.rmse), score(errors.mae), count(errors.entries)]
  terminal.say(table(['', 'RMSE', 'MAE', 'entries'], [row]))
  warnOfUnknown(terminal, errors)
  return errors
}

/** Users of the ratings that the model knows, and those that it does not. */
function knownUsers(model: Model, { userIds }: Ratings): { evaluated: number; skipped: number } {
  let evaluated = 0
  for (let u = 0; u < userIds.size; u++) if (model.parts.userIds.indexOf(userIds.at(u)) !== UNKNOWN) evaluated++
  return { evaluated, skipped: userIds.size - evaluated }
}
