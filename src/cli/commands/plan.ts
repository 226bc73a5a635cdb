import type { Command } from 'commander'
import { readModel } from '../../node/model-file.ts'
import { resolveOptions } from '../../train/options.ts'
import { planTraining } from '../../train/plan-training.ts'
import { warmOptions } from '../../train/warm-start.ts'
import { withGpu } from '../adapter.ts'
import { addCheckpointFlags, type CheckpointWords } from '../checkpoints.ts'
import { elapsed } from '../clock.ts'
import { planText, processPeak } from '../plan-text.ts'
import { addReadFlags } from '../read-flags.ts'
import { perform, type Run, type Session } from '../session.ts'
import { addMemoryFlag, addTrainFlags, trainOptions } from '../train-flags.ts'
import { addDataFlags, checkSplit, type DataWords, readParts } from '../training-data.ts'

interface Words extends CheckpointWords, DataWords {
  seen: boolean
  memory?: number
  calibrate: boolean
}

export function addPlan(program: Command, session: Session): void {
  const command = program
    .command('plan')
    .argument('<ratings>', 'as train takes them')
    .description('memory, passes and time that a training with the same flags would take, before it takes them')
    .option('--no-seen', 'as train takes it')
    .option('--no-calibrate', 'leave out the time, which short runs on the GPU tell')
  addDataFlags(command)
  addTrainFlags(command)
  addMemoryFlag(command)
  addCheckpointFlags(command)
  addReadFlags(command)
  command.action(perform(session, plan))
}

const plan: Run = async (session, command) => {
  const began = performance.now()
  const { terminal, signal } = session
  const words = command.opts<Words>()
  const options = trainOptions(command)
  const from = words.from === undefined ? undefined : await readModel(words.from)
  const { seed } = resolveOptions(from === undefined ? options : warmOptions(from, options))
  checkSplit(words)
  const { train, test, rows } = await readParts(session, command, words, seed)
  const read = elapsed(began)
  return await withGpu(session, async gpu => {
    const planning = performance.now()
    const { seen: keepSeen, calibrate, memory } = words
    const extras = { from, keepSeen, calibrate, memory, signal, resumable: words.checkpoint !== undefined }
    const planned = await planTraining(gpu, train, { ...options, ...extras })
    const { adapter } = gpu.capabilities
    const tested = test?.length ?? 0
    terminal.say(planText(planned, adapter.software, tested))
    const { options: resolved, entries, secondsPerEpoch, ...figures } = planned
    return {
      model: resolved.model,
      solver: resolved.solver,
      options: resolved,
      ...figures,
      entries: { ...entries, test: tested },
      rows,
      processBytes: processPeak(planned, adapter.software, tested),
      secondsPerEpoch: secondsPerEpoch ?? null,
      seconds: { read, plan: elapsed(planning) },
      adapter,
    }
  })
}
