import { type Command, Option } from 'commander'
import { OptionError } from '../../errors.ts'
import type { Model, Similar, SimilarOptions } from '../../model/model.ts'
import { readModel } from '../../node/model-file.ts'
import { writeFileWhole } from '../../node/write-file.ts'
import { csvField, score, single, table } from '../format.ts'
import { checkWritable } from '../out-file.ts'
import { perform, type Run, type Session } from '../session.ts'
import { choiceValue, fileValue, integerValue } from '../values.ts'

interface Words {
  item?: string
  user?: string
  k?: number
  measure?: 'cosine' | 'dot'
  out?: string
}

export function addSimilar(program: Command, session: Session): void {
  program
    .command('similar')
    .argument('<model>', 'model file')
    .description('the items, or the users, whose factors are most like those of one')
    .option('--item <id>', 'the item')
    .option('--user <id>', 'the user')
    .addOption(new Option('-k <n>', 'how many (default: 10)').argParser(integerValue('-k', 1, 1_000_000)))
    .addOption(
      new Option(
        '--measure <cosine|dot>',
        'the angle between factors, or their product, which favours long ones (default: cosine)',
      ).argParser(choiceValue('--measure', ['cosine', 'dot'])),
    )
    .addOption(new Option('--out <file>', 'csv file to write: id, rank, similarity').argParser(fileValue('--out')))
    .action(perform(session, similar))
}

const similar: Run = async ({ terminal }, command) => {
  const { item, user, out, ...options } = command.opts<Words>()
  if ((item === undefined) === (user === undefined)) {
    throw new OptionError('item', 'similar needs either "item" or "user"')
  }
  if (out !== undefined) await checkWritable(out)
  const side = item === undefined ? 'user' : 'item'
  const model = await readModel(command.args[0]!)
  const { id, found } = await find(model, side, item ?? user!, options)
  const rows = found.map(({ id: other, similarity }, at) => [String(other), String(at + 1), score(similarity)])
  terminal.say(table([side, 'rank', 'similarity'], rows))
  if (out !== undefined) {
    await writeFileWhole(out, new TextEncoder().encode(csv(side, found)))
    terminal.say(`wrote ${out}`)
  }
  return { [side]: id, measure: options.measure ?? 'cosine', similar: found, out: out ?? null }
}

async function find(model: Model, side: 'user' | 'item', asked: string, options: SimilarOptions) {
  const ids = side === 'user' ? model.parts.userIds : model.parts.itemIds
  const found = side === 'user' ? await model.similarUsers(asked, options) : await model.similarItems(asked, options)
  return { id: ids.at(ids.indexOf(asked)), found }
}

function csv(side: 'user' | 'item', found: readonly Similar[]): string {
  const rows = found.map(({ id, similarity }, at) => `${csvField(id)},${at + 1},${single(similarity)}\n`)
  return `${side},rank,similarity\n${rows.join('')}`
}
