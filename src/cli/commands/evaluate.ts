import { type Command, Option } from 'commander'
import { UNKNOWN } from '../../data/ids.ts'
import type { Ratings } from '../../data/ratings.ts'
import { evaluateRanking, type RankingEvaluation } from '../../metrics/evaluate-ranking.ts'
import { rankingMetrics } from '../../metrics/ranking.ts'
import { type Evaluation, Model } from '../../model/model.ts'
import { readModel } from '../../node/model-file.ts'
import { withGpu } from '../adapter.ts'
import { elapsed } from '../clock.ts'
import { count, counted, score, table } from '../format.ts'
import { modelKind } from '../model-file.ts'
import { UserProgress } from '../progress.ts'
import { addReadFlags, readInput } from '../read-flags.ts'
import { perform, type Run, type Session } from '../session.ts'
import { warnOfUnknown } from '../unknown.ts'
import { fileValue, integersValue, numberValue } from '../values.ts'

interface Words {
  at?: number[]
  relevantAt?: number
  seen?: string
  includeSeen?: boolean
  auc?: boolean
}

export function addEvaluate(program: Command, session: Session): void {
  const command = program
    .command('evaluate')
    .argument('<model>', 'model file')
    .argument('<ratings>', 'ratings to test on')
    .description('measure the errors of a model on ratings, and how well it ranks')
    .addOption(
      new Option(
        '--at <k,...>',
        'rank all items and measure lists of these lengths (default for implicit data: 10)',
      ).argParser(integersValue('--at', 1, 1_000_000)),
    )
    .addOption(
      new Option('--relevant-at <rating>', 'ratings from this one up are relevant (default: all)').argParser(
        numberValue('--relevant-at', 'a number', () => true),
      ),
    )
    .addOption(
      new Option('--seen <file>', 'ratings to leave out of the ranking, beside those of the training').argParser(
        fileValue('--seen'),
      ),
    )
    .option('--include-seen', 'items that the user has rated in the training may appear in the ranking')
    .option('--auc', 'measure the area under the ROC curve too')
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

async function measureRanking(
  { terminal, signal }: Session,
  model: Model,
  test: Ratings,
  { at = [10], relevantAt, includeSeen, auc }: Words,
  seen: Ratings | undefined,
): Promise<RankingEvaluation> {
  if (model.parts.seen === undefined && seen === undefined && !includeSeen) {
    terminal.warn('the model does not hold which items were seen in the training, so they are ranked too')
  }
  const progress = new UserProgress(terminal, 'ranking', test.userCount, model.itemCount)
  const options = { at, relevantAt, seen, includeSeen, auc, signal }
  const onProgress = (done: number, users: number) => progress.show(done, users)
  const ranking = await evaluateRanking(model, test, { ...options, onProgress }).finally(() => progress.stop())
  const { users, alreadySeen, unknownUsers, unknownItems, metrics } = ranking
  const lengths = [...new Set(at)].sort((a, b) => a - b)
  const rows = rankingMetrics.map(name => [name, ...lengths.map(k => score(metrics[`${name}@${k}`]!))])
  terminal.say(table(['', ...lengths.map(k => `@${k}`)], rows))
  if (auc) terminal.say(`auc ${score(metrics.auc!)}`)
  terminal.say(`over ${counted(users.evaluated, 'user')}; ${count(users.skipped)} without a relevant item left out`)
  if (alreadySeen + unknownUsers + unknownItems > 0) {
    terminal.warn(
      `left out of the ranking: ${counted(alreadySeen, 'entry')} that the user has seen before, ` +
        `${count(unknownUsers)} with a user and ${count(unknownItems)} with an item that the model does not know`,
    )
  }
  return ranking
}

/** Users of the ratings that the model knows, and those that it does not. */
function knownUsers(model: Model, { userIds }: Ratings): { evaluated: number; skipped: number } {
  let evaluated = 0
  for (let u = 0; u < userIds.size; u++) if (model.parts.userIds.indexOf(userIds.at(u)) !== UNKNOWN) evaluated++
  return { evaluated, skipped: userIds.size - evaluated }
}
