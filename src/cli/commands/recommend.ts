import { type Command, Option } from 'commander'
import { type IdTable, type RawId, UNKNOWN } from '../../data/ids.ts'
import { InputError, OptionError } from '../../errors.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import { Model, type RecommendOptions } from '../../model/model.ts'
import { readModel } from '../../node/model-file.ts'
import { withGpu } from '../adapter.ts'
import { elapsed } from '../clock.ts'
import { count, counted, rate, score, seconds, table } from '../format.ts'
import { readIds, readKnownIds } from '../id-file.ts'
import { UserProgress } from '../progress.ts'
import { checkRecommendationFile, type RecommendedList, writeRecommendations } from '../recommendation-file.ts'
import { perform, type Run, type Session } from '../session.ts'
import { fileValue, integerValue, listValue } from '../values.ts'

interface Words {
  user?: string
  users?: string
  all?: boolean
  k?: number
  includeSeen?: boolean
  exclude?: string[]
  excludeFile?: string
  include?: string[]
  includeFile?: string
  out?: string
}

export function addRecommend(program: Command, session: Session): void {
  const command = program
    .command('recommend')
    .argument('<model>', 'model file')
    .description('the items with the highest predictions for some users, or for all of them')
    .option('--user <id>', 'the user, or several separated by commas')
  const add = (flag: string, about: string, parse: (flag: string) => (text: string) => unknown) =>
    command.addOption(new Option(flag, about).argParser(parse(flag.split(' ')[0]!)))
  add('--users <file>', 'the users, one id a line; needs --out', fileValue)
  command.option('--all', 'all users of the model; needs --out')
  add('-k <n>', 'items a user (default: 10)', flag => integerValue(flag, 1, 1_000_000))
  command.option('--include-seen', 'items that the user has rated in the training may appear')
  add('--exclude <ids>', 'items to leave out, separated by commas', listValue)
  add('--exclude-file <file>', 'items to leave out, one id a line', fileValue)
  add('--include <ids>', 'the only items that may appear, separated by commas', listValue)
  add('--include-file <file>', 'the only items that may appear, one id a line', fileValue)
  add('--out <file>', 'file to write, csv or Parquet by its name: user, item, rank, prediction', fileValue)
  command.action(perform(session, recommend))
}

const recommend: Run = async (session, command) => {
  const words = command.opts<Words>()
  checkWords(words)
  if (words.out !== undefined) await checkRecommendationFile(words.out)
  const { parts } = await readModel(command.args[0]!)
  const users = await usersOf(words, parts.userIds)
  const options: RecommendOptions = {
    k: words.k,
    includeSeen: words.includeSeen,
    exclude: await itemsOf(session, parts.itemIds, words.exclude, words.excludeFile),
    include: await itemsOf(session, parts.itemIds, words.include, words.includeFile),
    signal: session.signal,
  }
  if (parts.seen === undefined && !words.includeSeen) {
    session.terminal.warn('the model does not hold which items were seen in the training, so they may appear')
  }
  return await withGpu(session, async gpu => {
    const model = new Model(parts, gpu)
    try {
      return words.user === undefined
        ? await toFile(session, gpu, model, users, options, words.out!)
        : await toTerminal(session, model, users, options, words.out)
    } finally {
      model.destroy()
    }
  })
}

function checkWords({ user, users, all, out }: Words): void {
  const given = [user, users, all].filter(word => word !== undefined).length
  if (given !== 1) throw new OptionError('user', 'recommend needs either "user", "users" or "all"')
  const needy = all === true ? 'all' : users === undefined ? undefined : 'users'
  if (needy !== undefined && out === undefined) {
    throw new OptionError('out', `"${needy}" needs "out", the csv or Parquet file to write`)
  }
}

/** @throws InputError for a user that the model does not know. */
async function usersOf({ user, users }: Words, ids: IdTable): Promise<ArrayLike<RawId>> {
  if (users !== undefined) return await readKnownIds(users, 'user', ids)
  if (user === undefined) return ids.values
  // An id may hold commas.
  const list = ids.indexOf(user) === UNKNOWN ? user.split(',').map(id => id.trim()) : [user]
  const unknown = list.find(id => ids.indexOf(id) === UNKNOWN)
  if (unknown !== undefined) throw new InputError(`the model does not know the user ${JSON.stringify(unknown)}`)
  return list
}

/** Items by word and by file; a warning counts those that the model does not know. Undefined where neither is given. */
async function itemsOf(
  { terminal }: Session,
  ids: IdTable,
  words: readonly string[] | undefined,
  file: string | undefined,
): Promise<string[] | undefined> {
  if (words === undefined && file === undefined) return undefined
  const list = [...(words ?? []), ...(file === undefined ? [] : (await readIds(file)).map(({ id }) => id))]
  const unknown = list.filter(id => ids.indexOf(id) === UNKNOWN)
  if (unknown.length > 0) {
    terminal.warn(
      `the model does not know ${count(unknown.length)} of the ${counted(list.length, 'item')} to leave out or to keep to: ` +
        `${JSON.stringify(unknown[0])}${unknown.length > 1 ? ', ...' : ''}`,
    )
  }
  return list
}

async function toTerminal(
  { terminal }: Session,
  model: Model,
  users: ArrayLike<RawId>,
  options: RecommendOptions,
  out: string | undefined,
): Promise<object> {
  const lists: RecommendedList[] = []
  for await (const list of model.recommendMany(users, options)) lists.push(list)
  const several = lists.length > 1
  const rows = lists.flatMap(({ user, items }) =>
    items.map(({ item, prediction }, at) => {
      const row = [String(item), String(at + 1), score(prediction)]
      return several ? [String(user), ...row] : row
    }),
  )
  terminal.say(table([...(several ? ['user'] : []), 'item', 'rank', 'prediction'], rows))
  if (out !== undefined) {
    await writeRecommendations(out, model.parts, inOrder(lists))
    terminal.say(`wrote ${out}`)
  }
  return { ...(several ? { users: lists.length, recommendations: lists } : lists[0]), out: out ?? null }
}

async function* inOrder(lists: readonly RecommendedList[]): AsyncGenerator<RecommendedList> {
  yield* lists
}

async function toFile(
  { terminal }: Session,
  gpu: Gpu,
  model: Model,
  users: ArrayLike<RawId>,
  options: RecommendOptions,
  out: string,
): Promise<object> {
  const began = performance.now()
  const progress = new UserProgress(terminal, 'recommending', users.length, model.itemCount)
  let rows = 0
  async function* shown(): AsyncGenerator<RecommendedList> {
    let done = 0
    for await (const list of model.recommendMany(users, options)) {
      yield list
      rows += list.items.length
      progress.show(++done)
    }
  }
  try {
    await writeRecommendations(out, model.parts, shown())
  } finally {
    progress.stop()
  }
  const took = elapsed(began)
  const itemsPerSecond = (users.length * model.itemCount) / took
  terminal.say(
    `wrote ${out}: ${counted(rows, 'row')} for ${counted(users.length, 'user')} in ${seconds(took)}, ` +
      `${rate(itemsPerSecond)} items/s`,
  )
  return {
    users: users.length,
    k: options.k ?? 10,
    rows,
    out,
    seconds: took,
    itemsPerSecond,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    adapter: gpu.capabilities.adapter,
  }
}
