import { describe, expect, it } from 'vitest'
import { buildProgram } from '../../src/cli/program.ts'
import { Terminal } from '../../src/cli/terminal.ts'
import { OptionError } from '../../src/errors.ts'
import { type Failure, useProgram } from './program.ts'

const program = useProgram()
const terminal = new Terminal(true)

const wrong: [words: string[], option: string, message: RegExp][] = [
  [['train', 'x.csv', '--fators', '3'], '--fators', /no option --fators; did you mean --factors\?\n.*<k>: rank k/],
  [['train', 'x.csv', '--facters=3'], '--facters', /did you mean --factors\?/],
  [['train', 'x.csv', '-x'], '-x', /no option -x/],
  [['recommend', 'x', '--uesr', '3'], '--uesr', /did you mean --user\?/],
  [['trian', 'x.csv'], 'trian', /no command "trian"; did you mean train\?/],
  [['train'], 'train', /missing required argument 'ratings'; usage: lowrank train/],
  [['train', 'a', 'b'], 'train', /too many arguments/],
  [['train', 'x.csv', '--factors'], '--factors', /--factors needs a value: rank k/],
  [['train', 'x.csv', '--factors', '3x'], '--factors', /--factors must be an integer from 1 to 512, not "3x"/],
  [['train', 'x.csv', '--factors', ''], '--factors', /must be an integer from 1 to 512, not ""/],
  [['train', 'x.csv', '--factors', '0x10'], '--factors', /must be an integer from 1 to 512, not "0x10"/],
  [['train', 'x.csv', '--factors', ' 8'], '--factors', /must be an integer from 1 to 512/],
  [['train', 'x.csv', '--factors', '2.5'], '--factors', /must be an integer from 1 to 512/],
  [['train', 'x.csv', '--factors', '--epochs', '3'], '--factors', /must be an integer from 1 to 512, not "--epochs"/],
  [['train', 'x.csv', '--learning-rate', '1e400'], '--learning-rate', /must be a positive number, not "1e400"/],
  [['train', 'x.csv', '--learning-rate', 'NaN'], '--learning-rate', /must be a positive number, not "NaN"/],
  [['train', 'x.csv', '--learning-rate', '-1'], '--learning-rate', /must be a positive number, not "-1"/],
  [['train', 'x.csv', '--seed', '-1'], '--seed', /must be an integer from 0 to 4294967295/],
  [['train', 'x.csv', '--optimizer', 'sdg'], '--optimizer', /must be one of sgd, momentum, adagrad, adam, sparse-adam/],
  [['train', 'x.csv', '--solver', 'sgd', '--optimizer', 'adam'], '--optimizer', /does not go with the solver sgd/],
  [['train', 'x.csv', '--optimizer', 'adam', '--precision', 'f16'], '--precision', /goes with the solver sgd only/],
  [
    ['train', 'x.csv', '--model', 'implicit', '--alpha', '2', '--unobserved-weight', '0.1'],
    '--alpha',
    /--alpha and --unobserved-weight are two ways to weigh cells/,
  ],
  [['train', 'x.csv', '--model', 'implicit', '--solver', 'sgd'], '--solver', /does not go with the model implicit/],
  [['train', 'x.csv', '--model', 'bpr', '--solver', 'als'], '--solver', /does not go with the model bpr/],
  [['train', 'x.csv', '--solver', 'sgd', '--row-solver', 'exact'], '--row-solver', /goes with the solver als only/],
  [['train', 'x.csv', '--model', 'implicit', '--negative-power', '1'], '--negative-power', /the model bpr only/],
  [['foldin', 'x', 'y.csv'], '--out', /foldin needs --out <file>: model file to write/],
  [['foldin', 'x', 'y.csv', '--side', 'user', '--out', 'z'], '--side', /must be one of users, items, not "user"/],
  [['train', 'x.csv', '--workers', '0'], '--workers', /integer from 1 to 65535/],
  [['train', 'x.csv', '--penalty', '3'], '--penalty', /must be weighted, sqrt, frobenius or an exponent from 0 to 2/],
  [
    ['train', 'x.csv', '--penalty', 'sqrt', '--optimizer', 'adam'],
    '--penalty',
    /--penalty does not go with the optimizer adam/,
  ],
  [['train', 'x.csv', '--test-ratio', '1'], '--test-ratio', /must be a number from 0 up, below 1, not "1"/],
  [['train', 'x.csv', '--test', 'y', '--test-ratio', '0.2'], '--test-ratio', /--test brings its own/],
  [['train', 'x.csv', '--test-split', 'last', '--test-ratio', '0.2'], '--test-ratio', /--test-split last/],
  [['train', 'x.csv', '--test-split', 'first'], '--test-split', /must be one of random, last/],
  [['train', 'x.csv', '--format', 'foo'], '--format', /must be one of auto, csv, tsv, dat, parquet/],
  [['train', 'x.csv', '--columns', 'user,,rating'], '--columns', /must be a list separated by commas/],
  [['train', 'x.csv', '--out', '--verbose'], '--out', /--out needs the name of a file, not --verbose/],
  [['train', 'x.csv', '--out', ''], '--out', /must be the name of a file/],
  [['recommend', 'x', '--user', '3', '-k', '0'], '-k', /-k must be an integer from 1/],
  [['recommend', 'x'], '--user', /needs either --user, --users or --all/],
  [['recommend', 'x', '--user', '3', '--all', '--out', 'y'], '--user', /needs either --user, --users or --all/],
  [['recommend', 'x', '--users', 'y'], '--out', /--users needs --out/],
  [['recommend', 'x', '--all'], '--out', /--all needs --out/],
  [['recommend', 'x', '--user', '3', '--exclude', '1,,2'], '--exclude', /must be a list separated by commas/],
  [['similar', 'x'], '--item', /needs either --item or --user/],
  [['similar', 'x', '--item', '1', '--user', '2'], '--item', /needs either --item or --user/],
  [['similar', 'x', '--item', '1', '--measure', 'angle'], '--measure', /must be one of cosine, dot, not "angle"/],
  [['evaluate', 'x', 'y', '--at', '10,x'], '--at', /one or more integers from 1 to 1000000, separated by commas/],
  [['evaluate', 'x', 'y', '--at', '0'], '--at', /one or more integers from 1 to 1000000/],
  [['evaluate', 'x', 'y', '--relevant-at', 'good'], '--relevant-at', /must be a number, not "good"/],
  [['evaluate', 'x', 'y', '--seen', ''], '--seen', /must be the name of a file/],
  [['predict', 'x', '--user', '3'], '--item', /needs --user and --item, or a file of pairs/],
  [['predict', 'x', 'y', '--user', '3'], '--user', /either --user and --item, or a file of pairs/],
  [['synth', '--users', '3'], '--items', /synth needs --items/],
  [
    ['synth', '--users', '3', '--items', '3', '--entries', '10', '--out', 'x.csv'],
    '--entries',
    /--entries must be at most users \* items = 9/,
  ],
]

describe('words that are wrong', () => {
  it.each(wrong)('%j: %s', async (words, option, message) => {
    const session = { terminal, signal: new AbortController().signal, exitCode: 0 }
    const done = buildProgram(session).parseAsync(words, { from: 'user' })
    await expect(done).rejects.toThrow(OptionError)
    await expect(done).rejects.toMatchObject({ option, message: expect.stringMatching(message) })
  })

  it.concurrent.each([
    [['train', 'x.csv', '--bach-size', '3'], { option: '--bach-size', nearest: '--batch-size' }],
    [['train', 'x.csv', '--factors', '3x'], { option: '--factors' }],
    [['trian', 'x.csv'], { option: 'trian', nearest: 'train' }],
    [['recommend', 'x'], { option: '--user' }],
  ])('%j exits 2 with one JSON object', async (words, error) => {
    const { code, result, stderr } = await program.json<Failure>(words)
    expect(code).toBe(2)
    expect(result.error).toMatchObject({ code: 'OPTION', ...error })
    expect(stderr).toContain(result.error.message)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it.concurrent('are explained on standard error alone where no JSON is asked for', async () => {
    const { code, stdout, stderr } = await program.run(['train', 'x.csv', '--fators', '3'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^error: lowrank train has no option --fators/)
  })

  it.concurrent('are none at all: help and exit status 2', async () => {
    const { code, stdout, stderr } = await program.run([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/Commands:[\s\S]*error: lowrank needs a command/)
  })
})

describe.concurrent('help', () => {
  it.each([['--help'], ['train', '--help'], ['help', 'predict'], ['--version']])('%s %s exits 0', async (...words) => {
    const { code, stdout, stderr } = await program.run(words)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(words[0] === '--version' ? /^\d+\.\d+\.\d+\n$/ : /^Usage: lowrank/)
  })
})

describe('the layout of help', () => {
  const session = { terminal, signal: new AbortController().signal, exitCode: 0 }
  const program = buildProgram(session)

  it.each([program, ...program.commands].map(command => [command.name(), command] as const))(
    'of %s keeps to 100 columns and explains every option',
    (_, command) => {
      const lines = command.helpInformation().split('\n')
      expect(lines.filter(line => line.length > 100)).toEqual([])
      for (const { flags, description } of command.options) {
        const at = lines.findIndex(line => line === `  ${flags}` || line.startsWith(`  ${flags}  `))
        const text = lines
          .slice(at, at + 2)
          .join(' ')
          .replaceAll(/\s+/g, ' ')
        expect(text).toContain(description.slice(0, 30))
      }
    },
  )

  it('puts the options of a training under headings', () => {
    const train = program.commands.find(command => command.name() === 'train')!
    const headings = train.helpInformation().match(/^\S.*:$/gm)
    const training = ['Model and training:', 'Checkpoints:', 'Ranking metrics:', 'Reading ratings:']
    expect(headings).toEqual(['Arguments:', 'Options:', ...training])
  })
})
