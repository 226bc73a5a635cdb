import { type Command, Option } from 'commander'
import type { RawId } from '../../data/ids.ts'
import { InputError } from '../../errors.ts'
import { Model } from '../../model/model.ts'
import { readModel } from '../../node/model-file.ts'
import { checkFoldIn, type FoldInOptions, foldIn } from '../../train/fold-in.ts'
import { withGpu } from '../adapter.ts'
import { elapsed } from '../clock.ts'
import { counted, seconds } from '../format.ts'
import { modelKind, saveModel } from '../model-file.ts'
import { checkWritable } from '../out-file.ts'
import { addReadFlags, readInput } from '../read-flags.ts'
import { perform, type Run, type Session } from '../session.ts'
import { choiceValue, fileValue, integerValue, numberValue } from '../values.ts'

interface Words extends Omit<FoldInOptions, 'signal'> {
  out: string
}

export function addFoldIn(program: Command, session: Session): void {
  const command = program
    .command('foldin')
    .argument('<model>', 'model file')
    .argument('<ratings>', 'ratings of users (or items) that the model has not seen')
    .description('factors for new users or items from their entries, without training the rest again')
    .addOption(
      new Option('--side <users|items>', 'which side the new rows are on (default: users)').argParser(
        choiceValue('--side', ['users', 'items']),
      ),
    )
    .addOption(
      new Option('--regularization <lambda>', "penalty of the new rows (default: the model's)").argParser(
        numberValue('--regularization', 'a number of at least 0', value => value >= 0),
      ),
    )
    .addOption(
      new Option(
        '--epochs <n>',
        "bpr: passes over the new entries (default: as the model's training, 50 at most)",
      ).argParser(integerValue('--epochs', 0, 1_000_000)),
    )
    .addOption(
      new Option('--seed <n>', "bpr: fixes the draws (default: the model's)").argParser(
        integerValue('--seed', 0, 2 ** 32 - 1),
      ),
    )
    .addOption(
      new Option('--out <file>', 'model file to write: the model with the new rows (safetensors; required)')
        .argParser(fileValue('--out'))
        .makeOptionMandatory(),
    )
  addReadFlags(command)
  command.action(perform(session, run))
}

/** Names the first of the rows, so that its entries can be looked at. */
const unsolvable = (ids: readonly RawId[], noun: string) =>
  `${counted(ids.length, `new ${noun}`)} whose entries have no finite solution (the first is ${JSON.stringify(ids[0])})`

const run: Run = async (session, command) => {
  const began = performance.now()
  const { terminal, signal } = session
  const [modelFile, ratingsFile] = command.args as [string, string]
  const { side = 'users', regularization, epochs, seed, out } = command.opts<Words>()
  await checkWritable(out)
  const { parts } = await readModel(modelFile)
  const options = { side, regularization, epochs, seed, signal }
  checkFoldIn(new Model(parts), options)
  const { ratings, skipped, merged } = await readInput(session, command, ratingsFile)
  return await withGpu(session, async gpu => {
    const folding = performance.now()
    const { model, added, known, left, unsolved, entries } = await foldIn(gpu, new Model(parts), ratings, options)
    const fold = elapsed(folding)
    const [noun, other] = side === 'users' ? ['user', 'items'] : ['item', 'users']
    const strangers = left - unsolved.length
    const passedOver = [
      ...(known > 0 ? [`${counted(known, noun)} that the model knows already`] : []),
      ...(strangers > 0 ? [`${counted(strangers, `new ${noun}`)} with no ${other} that the model knows`] : []),
      ...(unsolved.length > 0 ? [`${unsolvable(unsolved, noun)}; a larger --regularization may help`] : []),
    ]
    if (added.length === 0) {
      throw new InputError(`there is no ${noun} to fold in; the file holds ${passedOver.join(' and ')}`, {
        file: ratingsFile,
      })
    }
    terminal.say(`${counted(added.length, `new ${noun}`)} from ${counted(entries, 'entry')} in ${seconds(fold)}`)
    for (const rows of passedOver) terminal.warn(`passed over: ${rows}`)
    await saveModel(terminal, out, model)
    return {
      model: modelKind(model),
      file: modelFile,
      side,
      added: added.length,
      known,
      left,
      unsolved: unsolved.length,
      entries: { used: entries, unused: ratings.length - entries },
      rows: { skipped, merged },
      users: model.userCount,
      items: model.itemCount,
      seconds: { fold, total: elapsed(began) },
      adapter: gpu.capabilities.adapter,
      out,
    }
  })
}
