// Kills the program with SIGKILL at random moments, over reading, training, checkpointing, evaluating and saving, has it go
// on from its checkpoints, and compares the model that comes out in the end with that of an undisturbed run, byte for byte.
//
//   node bench/faults.mjs [--kills 200] [--seed 1] [--program dist/cli.js]
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    program: { type: 'string', default: resolve(import.meta.dirname, '../dist/cli.js') },
  },
})
const wanted = Number(values.kills)
let state = Number(values.seed) || 1

/** From 0 to 1 (xorshift32). */
function random() {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) / 2 ** 32
}

const kinds = {
  fused: [],
  'fused in halves': ['--precision', 'f16', '--schedule', 'bold'],
  adam: ['--optimizer', 'adam', '--batch-size', '4096', '--validation-ratio', '0.1'],
  als: ['--solver', 'als'],
  bpr: ['--model', 'bpr', '--epochs', '25'],
}

const folder = mkdtempSync(join(tmpdir(), 'lowrank-faults-'))

/**
 * Runs the program.
 * @param kill whether to end it, `share` of the way through the part of its time with or without a GPU
 */
function run(words, kill) {
  return new Promise((settle, reject) => {
    const began = performance.now()
    const child = spawn(process.execPath, [values.program, ...words], { cwd: folder })
    let [text, gpuAt, timer] = ['', undefined, undefined]
    const die = milliseconds => {
      timer = setTimeout(() => child.kill('SIGKILL'), milliseconds)
    }
    const hear = chunk => {
      text += chunk
      if (gpuAt !== undefined || !text.includes('GPU:')) return
      gpuAt = performance.now() - began
      if (kill?.withGpu) die(kill.after)
    }
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    if (kill !== undefined && !kill.withGpu) die(kill.after)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      settle({ code, signal, text, gpuAt, milliseconds: performance.now() - began })
    })
  })
}

const trainWords = (name, out) => [
  'train',
  'ratings.csv',
  '--factors',
  '8',
  '--epochs',
  '40',
  ...kinds[name],
  '--out',
  out,
]

async function mustRun(words) {
  const outcome = await run(words)
  if (outcome.code !== 0) throw new Error(`lowrank ${words.join(' ')}: exit ${outcome.code}\n${outcome.text}`)
  return outcome
}

const figures = { kills: 0, trials: 0, resumed: 0, anew: 0, passedOver: 0, wrong: 0 }

/** One training, killed until `kills` are spent or it gets through; its model must be the undisturbed one. */
async function trial(name, { expected, milliseconds, gpuAt }) {
  const dir = `checkpoints-${figures.trials}`
  const out = `model-${figures.trials}.safetensors`
  const words = [...trainWords(name, out), '--checkpoint', dir, '--checkpoint-every', '1', '--resume']
  figures.trials++
  for (;;) {
    const withGpu = random() < 0.85
    const after = random() * (withGpu ? 1.1 * (milliseconds - gpuAt) : gpuAt)
    const outcome = await run(words, figures.kills < wanted ? { withGpu, after } : undefined)
    const from = /going on from epoch (\d+)/.exec(outcome.text)
    if (from !== null) figures.resumed++
    else figures.anew++
    // A rename leaves whole files only: there is never one to pass over.
    if (outcome.text.includes('passed over')) figures.passedOver++
    const written = readdirSync(folder).includes(out) ? readFileSync(join(folder, out)) : undefined
    if (written !== undefined && !written.equals(expected)) figures.wrong++
    if (outcome.signal === 'SIGKILL') {
      figures.kills++
      continue
    }
    if (outcome.code !== 0) throw new Error(`${name}: exit ${outcome.code}\n${outcome.text}`)
    if (written === undefined) throw new Error(`${name}: no model was written`)
    const left = readdirSync(join(folder, dir))
    if (left.length !== 2) throw new Error(`${name}: ${dir} holds ${left.join(', ')}`)
    rmSync(join(folder, dir), { recursive: true })
    return
  }
}

try {
  await mustRun([
    'synth',
    '--users',
    '300',
    '--items',
    '200',
    '--entries',
    '20000',
    '--rank',
    '3',
    '--seed',
    '1',
    '--out',
    'ratings.csv',
  ])
  const undisturbed = new Map()
  for (const name of Object.keys(kinds)) {
    await mustRun(trainWords(name, 'expected.safetensors'))
    const expected = readFileSync(join(folder, 'expected.safetensors'))
    const timed = [...trainWords(name, 'timed.safetensors'), '--checkpoint', `timed ${name}`, '--checkpoint-every', '1']
    undisturbed.set(name, { expected, ...(await mustRun(timed)) })
  }
  const began = performance.now()
  const names = Object.keys(kinds)
  while (figures.kills < wanted) {
    const name = names[figures.trials % names.length]
    await trial(name, undisturbed.get(name))
  }
  const seconds = Number(((performance.now() - began) / 1000).toFixed(1))
  process.stdout.write(`${JSON.stringify({ ...figures, seconds })}\n`)
  if (figures.wrong > 0 || figures.passedOver > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
