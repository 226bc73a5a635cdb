import { type Command, Option } from 'commander'
import type { RawId } from '../../data/ids.ts'
import { OptionError } from '../../errors.ts'
import { Model, type Recommendation, type RecommendOptions } from '../../model/model.ts'
import { readModel } from '../../node/model-file.ts'
import { writeFileWhole } from '../../node/write-file.ts'
import { withGpu } from '../adapter.ts'
import { elapsed } from '../clock.ts'
import { counted, csvField, score, seconds, single, table } from '../format.ts'
import { checkWritable } from '../out-file.ts'
import { perform, type Run, type Session } from '../session.ts'
import { fileValue, integerValue, listValue } from '../values.ts'

interface Words {
  user?: string
  all?: boolean
  k?: number
  includeSeen?: boolean
  exclude?: string[]
  out?: string
}

export function addRecommend(program: Command, session: Session): void {
  program
    .command('recommend')
    .argument('<model>', 'model file')
    .description('the items with the highest predictions for a user, or for all users')
    .option('--user <id>', 'the user')
    .option('--all', 'all users of the model; needs --out')
    .addOption(new Option('-k <n>', 'items a user (default: 10)').argParser(integerValue('-k', 1, 1_000_000)))
    .option('--include-seen', 'items that the user has rated in the training may appear')
    .addOption(
      new Option('--exclude <ids>', 'items to leave out, separated by commas').argParser(listValue('--exclude')),
    )
    .addOption(new Option('--out <file>', 'csv file to write: user,item,rank,prediction').argParser(fileValue('--out')))
    .action(perform(session, recommend))
}

const recommend: Run = async (session, command) => {
  const words = command.opts<Words>()
  const { user, all, out } = words
  if ((user === undefined) === (all === undefined)) {
    throw new OptionError('user', 'recommend needs either "user" or "all"')
  }
  if (all && out === undefined) throw new OptionError('out', '"all" needs "out", the csv file to write')
  if (out !== undefined) await checkWritable(out)
  const { parts } = await readModel(command.args[0]!)
  if (parts.seen === undefined && !words.includeSeen) {
    session.terminal.warn('the model does not hold which items were seen in the training, so they may appear')
  }
  return await withGpu(session, async gpu => {
    const model = new Model(parts, gpu)
    try {
      return user === undefined ? await forAll(session, model, words) : await forUser(session, model, user, words)
    } finally {
      model.destroy()
    }
  })
}

function optionsOf({ k, includeSeen, exclude }: Words): RecommendOptions {
  return { k, includeSeen, exclude }
}

async function forUser({ terminal }: Session, model: Model, user: string, words: Words): Promise<object> {
  const items = await model.recommend(user, optionsOf(words))
  const rows = items.map(({ item, prediction }, rank) => [String(item), String(rank + 1), score(prediction)])
  terminal.say(table(['item', 'rank', 'prediction'], rows))
  if (words.out !== undefined) {
    await writeFileWhole(words.out, new TextEncoder().encode(header + lines(user, items)))
    terminal.say(`wrote ${words.out}`)
  }
  return { user: model.parts.userIds.at(model.parts.userIds.indexOf(user)), items, out: words.out ?? null }
}

async function forAll({ terminal, signal }: Session, model: Model, words: Words): Promise<object> {
  const began = performance.now()
  const { userIds } = model.parts
  const file = words.out!
  await writeFileWhole(file, csv(model, optionsOf(words), signal))
  terminal.say(`wrote ${file}: ${counted(userIds.size, 'user')} in ${seconds(elapsed(began))}`)
  return { users: userIds.size, k: words.k ?? 10, out: file, seconds: elapsed(began) }
}

const header = 'user,item,rank,prediction\n'
const pieceLength = 1 << 16

/** The csv file in pieces, so that it never stands in memory as a whole. */
async function* csv(model: Model, options: RecommendOptions, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  let text = header
  for await (const { user, items } of model.recommendMany(model.parts.userIds.values, options)) {
    signal.throwIfAborted()
    text += lines(user, items)
    if (text.length < pieceLength) continue
    yield encoder.encode(text)
    text = ''
  }
  yield encoder.encode(text)
}

function lines(user: RawId, items: readonly Recommendation[]): string {
  return items
    .map(({ item, prediction }, rank) => `${csvField(user)},${csvField(item)},${rank + 1},${single(prediction)}\n`)
    .join('')
}
