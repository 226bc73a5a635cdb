import { type Command, Option } from 'commander'
import { type IdTable, type RawId, UNKNOWN } from '../../data/ids.ts'
import { OptionError } from '../../errors.ts'
import { Model } from '../../model/model.ts'
import type { ModelParts } from '../../model/parts.ts'
import { readModel } from '../../node/model-file.ts'
import { writeFileWhole } from '../../node/write-file.ts'
import { withGpu } from '../adapter.ts'
import { elapsed } from '../clock.ts'
import { counted, csvField, single } from '../format.ts'
import { checkWritable } from '../out-file.ts'
import type { Pairs } from '../pair-columns.ts'
import { readPairs } from '../pairs.ts'
import { perform, type Run, type Session } from '../session.ts'
import { warnOfUnknown } from '../unknown.ts'
import { fileValue, listValue } from '../values.ts'

interface Words {
  user?: string
  item?: string
  columns?: string[]
  delimiter?: string
  out?: string
}

export function addPredict(program: Command, session: Session): void {
  program
    .command('predict')
    .argument('<model>', 'model file')
    .argument('[pairs]', 'file of pairs of a user and an item, text or Parquet')
    .description('predict the rating of one pair, or of a file of pairs as csv')
    .option('--user <id>', 'the user of one pair')
    .option('--item <id>', 'the item of one pair')
    .addOption(
      new Option('--columns <user,item>', 'names in the header of the pairs, or positions from 1').argParser(
        listValue('--columns'),
      ),
    )
    .option('--delimiter <text>', 'what separates the fields of the pairs (default: found out)')
    .addOption(new Option('--out <file>', 'csv file to write instead of standard output').argParser(fileValue('--out')))
    .action(perform(session, predict))
}

const predict: Run = async (session, command) => {
  const words = command.opts<Words>()
  const [modelFile, pairsFile] = command.args as [string, string | undefined]
  const { user, item, out } = words
  if (pairsFile !== undefined) {
    if (user === undefined && item === undefined) return await predictFile(session, modelFile, pairsFile, words)
    throw new OptionError('user', 'predict takes either "user" and "item", or a file of pairs')
  }
  if (user === undefined || item === undefined) {
    const missing = user === undefined ? 'user' : 'item'
    throw new OptionError(missing, 'predict needs "user" and "item", or a file of pairs')
  }
  if (out !== undefined) throw new OptionError('out', '"out" goes with a file of pairs')
  return predictPair(session, await readModel(modelFile), user, item)
}

function predictPair({ terminal }: Session, model: Model, user: string, item: string): object {
  const { userIds, itemIds } = model.parts
  const known = { user: userIds.indexOf(user) !== UNKNOWN, item: itemIds.indexOf(item) !== UNKNOWN }
  if (!known.user) terminal.warn(`the model does not know the user ${JSON.stringify(user)}`)
  if (!known.item) terminal.warn(`the model does not know the item ${JSON.stringify(item)}`)
  const prediction = model.predict(user, item)
  terminal.say(single(prediction))
  return { user: asKnown(userIds, user), item: asKnown(itemIds, item), prediction, known }
}

async function predictFile(session: Session, modelFile: string, pairsFile: string, words: Words): Promise<object> {
  const { terminal } = session
  const began = performance.now()
  const { out } = words
  if (words.columns !== undefined && words.columns.length !== 2) {
    throw new OptionError('columns', '"columns" must name 2 columns here: user and item')
  }
  if (out !== undefined) await checkWritable(out)
  else terminal.reserveOutput()
  const { parts } = await readModel(modelFile)
  const { userIds, itemIds } = parts
  const pairs = await readPairs(pairsFile, {
    columns: words.columns,
    delimiter: words.delimiter,
    integers: { user: userIds.kind === 'integer', item: itemIds.kind === 'integer' },
  })
  const unknownUsers = pairs.users.filter(id => userIds.indexOf(id) === UNKNOWN).length
  const unknownItems = pairs.items.filter(id => itemIds.indexOf(id) === UNKNOWN).length
  warnOfUnknown(terminal, { entries: pairs.users.length, unknownUsers, unknownItems })
  const predictions = await predictAll(session, parts, pairs)
  if (out !== undefined) {
    await writeFileWhole(out, encoded(csv(pairs, predictions)))
    terminal.say(`wrote ${out} (${counted(predictions.length, 'prediction')})`)
  } else if (!terminal.json) {
    for (const text of csv(pairs, predictions)) {
      if (terminal.closed) break
      await terminal.rows(text)
    }
  }
  const rows = () =>
    Array.from(predictions, (prediction, at) => ({
      user: asKnown(userIds, pairs.users[at]!),
      item: asKnown(itemIds, pairs.items[at]!),
      prediction,
    }))
  return {
    pairs: predictions.length,
    unknownUsers,
    unknownItems,
    ...(out !== undefined ? { out } : terminal.json ? { predictions: rows() } : {}),
    seconds: elapsed(began),
  }
}

async function predictAll(session: Session, parts: ModelParts, pairs: Pairs): Promise<Float32Array> {
  return await withGpu(session, async gpu => {
    const model = new Model(parts, gpu)
    try {
      const predictions = await model.predictMany(pairs.users, pairs.items)
      session.signal.throwIfAborted()
      return predictions
    } finally {
      model.destroy()
    }
  })
}

/** The id as the model has it, a number where its ids are integers; otherwise as it stands. */
function asKnown(ids: IdTable, id: string): RawId {
  const index = ids.indexOf(id)
  return index === UNKNOWN ? id : ids.at(index)
}

const rowsPerPiece = 4096

/** Rows `user,item,prediction` under a header, in pieces. */
function* csv({ users, items }: Pairs, predictions: Float32Array): Generator<string> {
  yield 'user,item,prediction\n'
  for (let start = 0; start < predictions.length; start += rowsPerPiece) {
    let text = ''
    for (let at = start; at < Math.min(predictions.length, start + rowsPerPiece); at++) {
      text += `${csvField(users[at]!)},${csvField(items[at]!)},${single(predictions[at]!)}\n`
    }
    yield text
  }
}

function* encoded(pieces: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  for (const piece of pieces) yield encoder.encode(piece)
}
