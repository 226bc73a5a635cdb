import { type Command, Option } from 'commander'
import type { Ratings } from '../data/ratings.ts'
import { type Split, splitLast, splitRandomInPlace } from '../data/split.ts'
import { OptionError } from '../errors.ts'
import { count } from './format.ts'
import { readInput } from './read-flags.ts'
import type { Session } from './session.ts'
import { choiceValue, fileValue, numberValue } from './values.ts'

/** What is tested on, a file of its own or a share of the ratings, and a model to go on from. */
export interface DataWords {
  test?: string
  testRatio?: number
  testSplit?: 'random' | 'last'
  from?: string
}

export function addDataFlags(command: Command): void {
  command
    .addOption(new Option('--test <file>', 'ratings to test on').argParser(fileValue('--test')))
    .addOption(
      new Option('--test-ratio <ratio>', 'share of the ratings to test on; 0: none (default: 0.1)').argParser(
        numberValue('--test-ratio', 'a number from 0 up, below 1', ratio => ratio >= 0 && ratio < 1),
      ),
    )
    .addOption(
      new Option(
        '--test-split <random|last>',
        'test on random ratings, or on the last one of each user (default: random)',
      ).argParser(choiceValue('--test-split', ['random', 'last'])),
    )
    .addOption(
      new Option(
        '--from <model>',
        'go on from this model: its users and items stay, new ones come in; give it the old ratings too, since rows that are trained again follow these ratings alone',
      ).argParser(fileValue('--from')),
    )
}

/** @throws OptionError for flags that do not go together */
export function checkSplit({ test, testRatio, testSplit }: DataWords): void {
  const splitting = testRatio !== undefined ? 'testRatio' : testSplit !== undefined ? 'testSplit' : undefined
  if (test !== undefined && splitting !== undefined) {
    throw new OptionError(splitting, `"${splitting}" splits the ratings and "test" brings its own: take one of them`)
  }
  if (testSplit === 'last' && testRatio !== undefined) {
    throw new OptionError('testRatio', '"testRatio" goes with random splits; "testSplit" last takes one rating a user')
  }
}

export interface Parts {
  train: Ratings
  /** Absent where there is nothing to test on. */
  test: Ratings | undefined
  /** Rows of the ratings file left out as bad, and merged into others. */
  rows: { skipped: number; merged: number }
}

export async function readParts(session: Session, command: Command, words: DataWords, seed: number): Promise<Parts> {
  const { ratings, skipped, merged } = await readInput(session, command, command.args[0]!)
  const rows = { skipped, merged }
  if (words.test !== undefined) {
    const { ratings: test } = await readInput(session, command, words.test)
    return { train: ratings, test, rows }
  }
  const split = splitOf(ratings, words, seed)
  if (split === undefined) return { train: ratings, test: undefined, rows }
  session.terminal.say(`train on ${count(split.train.length)}, test on ${count(split.test.length)}`)
  return { ...split, test: split.test.length > 0 ? split.test : undefined, rows }
}

function splitOf(
  ratings: Ratings,
  { testRatio = 0.1, testSplit = 'random' }: DataWords,
  seed: number,
): Split | undefined {
  if (testSplit === 'last') return splitLast(ratings)
  return testRatio === 0 ? undefined : splitRandomInPlace(ratings, { ratio: testRatio, seed })
}
