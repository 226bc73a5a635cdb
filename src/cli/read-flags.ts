import { type Command, Option } from 'commander'
import { READ_FORMATS, type ReadOptions } from '../ingest/options.ts'
import { type RatingsReport, readRatingsReport } from '../node/read-ratings.ts'
import { elapsed } from './clock.ts'
import { counted, percent, seconds } from './format.ts'
import { progressBar } from './progress.ts'
import type { Session } from './session.ts'
import { choiceValue, listValue } from './values.ts'

const choices = {
  '--format': READ_FORMATS,
  '--header': ['auto', 'yes', 'no'],
  '--encoding': ['auto', 'utf-8', 'latin-1'],
  '--on-bad-row': ['error', 'skip'],
  '--duplicates': ['last', 'mean', 'sum', 'error'],
  '--ids': ['auto', 'integer', 'string'],
} as const

/** Adds the flags that say how ratings files are read. */
export function addReadFlags(command: Command): void {
  const add = (flag: Option) => command.addOption(flag.helpGroup('Reading ratings:'))
  const choose = (flag: keyof typeof choices, about: string) =>
    add(
      new Option(`${flag} <${choices[flag].join('|')}>`, `${about} (default: ${choices[flag][0]})`).argParser(
        choiceValue<string>(flag, choices[flag]),
      ),
    )
  choose(
    '--format',
    'what a ratings file is; dat is text separated by ::, adjacency a line of a user and its items, mtx Matrix Market, netflix text of the Netflix prize, packed what pack writes',
  )
  add(
    new Option(
      '--columns <user,item,rating[,timestamp]>',
      'names in the header, or positions from 1; user,item alone: every value is 1 (default: the usual names, else the order)',
    ).argParser(listValue('--columns')),
  )
  add(new Option('--delimiter <text>', 'what separates fields, 1 to 4 ASCII characters (default: found out)'))
  choose('--header', 'whether the first line holds names')
  choose('--encoding', 'how text is encoded')
  choose('--on-bad-row', 'stop at a bad row, or leave it out and count it')
  choose('--duplicates', 'which of several ratings of one user and item counts')
  choose('--ids', 'whether ids are numbers or text')
}

interface ReadWords extends Omit<ReadOptions, 'header' | 'onProgress'> {
  header?: 'auto' | 'yes' | 'no'
}

/** The options for `readRatings` that stand on the command line. */
export function readOptions(command: Command): ReadOptions {
  const { format, columns, delimiter, header, encoding, onBadRow, duplicates, ids } = command.opts<ReadWords>()
  return {
    format,
    columns,
    delimiter: delimiter === '\\t' ? '\t' : delimiter,
    header: header === 'yes' || header === 'no' ? header === 'yes' : header,
    encoding,
    onBadRow,
    duplicates,
    ids,
  }
}

/** Files from which on reading shows how far it is. */
const slowBytes = 32 * 2 ** 20

/** Reads a ratings file, or the parts of one, says what was in it and warns of what was left out. */
export async function readInput(session: Session, command: Command, file: string): Promise<RatingsReport> {
  const { terminal, signal } = session
  const began = performance.now()
  const report = await readShowing(session, command, file)
  signal.throwIfAborted()
  const { ratings, skipped, firstSkipped, merged } = report
  const { length, userCount, itemCount } = ratings
  const found = [counted(length, 'entry'), counted(userCount, 'user'), counted(itemCount, 'item')].join(', ')
  terminal.say(`${file}: ${found} (${seconds(elapsed(began))})`)
  if (merged > 0) terminal.say(`${counted(merged, 'entry')} merged into others of the same user and item`)
  if (skipped > 0) terminal.warn(`${counted(skipped, 'bad row')} left out; the first: ${firstSkipped?.message}`)
  return report
}

/** Reads; a large file shows how far that is. */
async function readShowing({ terminal, signal }: Session, command: Command, file: string): Promise<RatingsReport> {
  let bar: ReturnType<typeof progressBar> | undefined
  try {
    return await readRatingsReport(file, {
      ...readOptions(command),
      onProgress(bytes, total) {
        signal.throwIfAborted()
        if (bar === undefined && terminal.interactive && total > slowBytes) {
          bar = progressBar(terminal, `reading ${file} {bar} {share}`)
          bar.start(1, 0, { share: '' })
        }
        bar?.update(bytes / total, { share: percent(bytes / total) })
      },
    })
  } finally {
    bar?.stop()
  }
}
