import { Command, CommanderError } from 'commander'
import { addDemo } from './commands/demo.ts'
import { addDoctor } from './commands/doctor.ts'
import { addEvaluate } from './commands/evaluate.ts'
import { addFoldIn } from './commands/foldin.ts'
import { addInfo } from './commands/info.ts'
import { addPack } from './commands/pack.ts'
import { addPlan } from './commands/plan.ts'
import { addPredict } from './commands/predict.ts'
import { addQuickstart } from './commands/quickstart.ts'
import { addRecommend } from './commands/recommend.ts'
import { addSimilar } from './commands/similar.ts'
import { addSynth } from './commands/synth.ts'
import { addTrain } from './commands/train.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { layOutHelp } from './help.ts'
import { listenForInterruption } from './interruption.ts'
import type { Session } from './session.ts'
import { Terminal } from './terminal.ts'
import { usageError } from './usage.ts'
import { packageVersion } from './version.ts'

const commands = [
  addTrain,
  addEvaluate,
  addPredict,
  addRecommend,
  addSimilar,
  addFoldIn,
  addInfo,
  addPack,
  addPlan,
  addSynth,
  addDemo,
  addDoctor,
  addQuickstart,
]

const exitText = `
Exit codes:
  0    done
  1    a defect
  2    the command's words are wrong
  3    the input or the output file is wrong
  4    no usable GPU, or its limits or memory do not suffice
  5    the training diverged
  130  interrupted`

/** The program with all its commands. */
export function buildProgram(session: Session): Command {
  const program = new Command('lowrank')
    .description('Sparse matrix factorization on any GPU')
    .version(packageVersion())
    .configureOutput({ outputError: () => {} }) // `main` writes errors, once
    .addHelpText('after', exitText)
  for (const add of commands) add(program, session)
  for (const command of [program, ...program.commands]) {
    command.option('--json', 'one JSON object on standard output, all else on standard error')
    layOutHelp(command)
    command.exitOverride(error => {
      throw error.exitCode === 0 ? error : usageError(error, command)
    })
  }
  return program
}

/** Runs the program on its words and sets the exit status. The process ends by itself when all is written. */
export async function main(words: readonly string[]): Promise<void> {
  const flags = words.slice(0, words.includes('--') ? words.indexOf('--') : words.length)
  const terminal = new Terminal(flags.includes('--json'))
  const session: Session = { terminal, signal: listenForInterruption(), exitCode: exitCodes.done }
  process.on('uncaughtException', error => {
    terminal.fail(error)
    process.exit(exitCodeOf(error))
  })
  try {
    await buildProgram(session).parseAsync(words, { from: 'user' })
    process.exitCode = session.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return
    terminal.fail(error)
    process.exitCode = exitCodeOf(error)
  }
}
