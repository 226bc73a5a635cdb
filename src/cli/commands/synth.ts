import { type Command, Option } from 'commander'
import { PLANTED_DEFAULTS, type PlantedOptions, plantedRatings } from '../../data/planted.ts'
import { OptionError } from '../../errors.ts'
import { writeRatings } from '../../node/write-ratings.ts'
import { counted, percent, score } from '../format.ts'
import { checkWritable } from '../out-file.ts'
import { perform, type Run, type Session } from '../session.ts'
import { kebab } from '../train-flags.ts'
import { choiceValue, fileValue, numberValue } from '../values.ts'

const abouts: Readonly<Record<keyof PlantedOptions, string>> = {
  users: 'number of users (required)',
  items: 'number of items (required)',
  entries: 'number of ratings, all of different pairs (required)',
  rank: 'rank k of the planted factors',
  noise: 'standard deviation of the noise on each rating',
  mean: 'mean rating',
  userBiasSd: 'standard deviation of the user biases',
  itemBiasSd: 'standard deviation of the item biases',
  interactionSd: 'standard deviation of p_u . q_i',
  groups: 'groups of like items, as genres are; 0 for none',
  groupShare: 'share of the variance of p_u . q_i that lies between the groups, from 0 to 1',
  taste: 'how much users take what they like; 0 for by popularity alone',
  itemExponent: 'how fast the popularity of items falls: (rank + shift * items)^-exponent',
  itemShift: 'flattens the head of that law; a share of the items',
  userExponent: 'the same for the activity of users',
  userShift: 'the same for users',
  seed: 'fixes every random draw',
}

const names = Object.keys(abouts) as (keyof PlantedOptions)[]

type Words = PlantedOptions & { out?: string; format?: 'csv' | 'tsv' | 'parquet' }

export function addSynth(program: Command, session: Session): void {
  const command = program.command('synth').description('draw ratings from a known model, the planted synthetic set')
  for (const name of names) {
    const flag = `--${kebab(name)}`
    const known: Partial<Record<string, number>> = PLANTED_DEFAULTS
    const about = known[name] === undefined ? abouts[name] : `${abouts[name]} (default: ${known[name]})`
    command.addOption(new Option(`${flag} <n>`, about).argParser(numberValue(flag, 'a number', () => true)))
  }
  command
    .addOption(new Option('--out <file>', 'file to write (required)').argParser(fileValue('--out')))
    .addOption(
      new Option('--format <csv|tsv|parquet>', 'format of the file (default: by its name, else csv)').argParser(
        choiceValue('--format', ['csv', 'tsv', 'parquet']),
      ),
    )
    .action(perform(session, synth))
}

const synth: Run = async ({ terminal, signal }, command) => {
  const { out, format, ...options } = command.opts<Words>()
  for (const name of ['users', 'items', 'entries', 'out'] as const) {
    if (command.getOptionValue(name) === undefined) throw new OptionError(name, `synth needs "${name}"`)
  }
  await checkWritable(out!)
  const { ratings, noise, noiseFloor } = plantedRatings(options)
  signal.throwIfAborted()
  const floor = noiseFloor()
  await writeRatings(out!, ratings, { format })
  const { length, userCount, itemCount } = ratings
  const density = length / (userCount * itemCount)
  const shape = [counted(length, 'entry'), counted(userCount, 'user'), counted(itemCount, 'item')].join(', ')
  terminal.say(`wrote ${out}: ${shape}, density ${percent(density)}`)
  terminal.say(`noise floor: RMSE ${score(floor)}; no model can be expected to predict these ratings better`)
  return {
    out,
    users: userCount,
    items: itemCount,
    entries: length,
    noise,
    noiseFloor: floor,
    options: { ...PLANTED_DEFAULTS, ...options },
  }
}
