import { type Command, Option } from 'commander'
import type { Ratings } from '../data/ratings.ts'
import { evaluateRanking, type RankingEvaluation } from '../metrics/evaluate-ranking.ts'
import { rankingMetrics } from '../metrics/ranking.ts'
import type { Model } from '../model/model.ts'
import { count, counted, score, table } from './format.ts'
import { UserProgress } from './progress.ts'
import type { Session } from './session.ts'
import { integersValue, numberValue } from './values.ts'

/** What the words of a command say about a ranking. */
export interface RankingWords {
  at?: number[]
  relevantAt?: number
  includeSeen?: boolean
  auc?: boolean
}

/** Adds the flags that every command has that measures rankings. */
export function addRankingFlags(command: Command): void {
  const flags = [
    new Option(
      '--at <k,...>',
      'rank all items and measure lists of these lengths (default for implicit and bpr models: 10)',
    ).argParser(integersValue('--at', 1, 1_000_000)),
    new Option('--relevant-at <rating>', 'ratings from this one up are relevant (default: all)').argParser(
      numberValue('--relevant-at', 'a number', () => true),
    ),
    new Option('--auc', 'measure the area under the ROC curve too'),
  ]
  for (const flag of flags) command.addOption(flag.helpGroup('Ranking metrics:'))
}

/** Ranks all items for the users of a test, shows how well its items stand, and warns of what was left out. */
export async function measureRanking(
  { terminal, signal }: Session,
  model: Model,
  test: Ratings,
  { at = [10], relevantAt, includeSeen, auc }: RankingWords,
  seen?: Ratings,
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
