// Kills the program with SIGKILL at random moments of four kinds of work: packing, training (and all around it: reading,
// opening the GPU, evaluating), checkpointing and saving. It then runs again, and goes on from its checkpoints. A packed file
// or a model has to be whole, the old one or none at all times, in the end the undisturbed run's byte for byte; and nothing
// that was written for a while stays behind.
//
//   node bench/faults.mjs [--kills 200] [--seed 1] [--program dist/cli.js] [--out results.json]
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    program: { type: 'string', default: resolve(import.meta.dirname, '../dist/cli.js') },
    out: { type: 'string' },
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
const epochs = 25

const folder = mkdtempSync(join(tmpdir(), 'lowrank-faults-'))
/** Where readers keep files for a while. */
const temporary = join(folder, 'temporary')
mkdirSync(temporary)

/**
 * Runs the program.
 * @param kill when to end it: `after` milliseconds from its start, or from when it has a GPU; or `after` milliseconds from
 *   when the `nth` temporary file for `dir`/`writes` has appeared
 */
function run(words, kill) {
  return new Promise((settle, reject) => {
    const began = performance.now()
    const child = spawn(process.execPath, [values.program, ...words], {
      cwd: folder,
      env: { ...process.env, TMPDIR: temporary },
    })
    let [text, gpuAt, timer, watcher] = ['', undefined, undefined, undefined]
    const die = milliseconds => {
      timer ??= setTimeout(() => child.kill('SIGKILL'), milliseconds)
    }
    const hear = chunk => {
      text += chunk
      if (gpuAt !== undefined || !text.includes('GPU:')) return
      gpuAt = performance.now() - began
      if (kill?.from === 'gpu') die(kill.after)
    }
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    if (kill?.from === 'start') die(kill.after)
    if (kill?.from === 'writing') {
      const appeared = new Set()
      watcher = watch(join(folder, kill.dir), (_, name) => {
        if (name === null || !name.startsWith(`.${kill.writes}`) || !name.endsWith('.tmp')) return
        appeared.add(name)
        if (appeared.size >= kill.nth) die(kill.after)
      })
    }
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      watcher?.close()
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
  String(epochs),
  ...kinds[name],
  '--out',
  out,
]

async function mustRun(words) {
  const outcome = await run(words)
  if (outcome.code !== 0) throw new Error(`lowrank ${words.join(' ')}: exit ${outcome.code}\n${outcome.text}`)
  return outcome
}

const kills = { packing: 0, training: 0, checkpointing: 0, saving: 0 }
const killed = () => Object.values(kills).reduce((sum, count) => sum + count, 0)
const figures = {
  trials: 0,
  resumed: 0,
  anew: 0,
  /** Kills that left a file half-written beside its place. */
  halfWritten: 0,
  passedOver: 0,
  wrong: 0,
  /** Temporary files and folders that are left when all is done. */
  litter: 0,
}

const read = name => (readdirSync(folder).includes(name) ? readFileSync(join(folder, name)) : undefined)
const leftIn = dir => readdirSync(join(folder, dir)).filter(name => name.endsWith('.tmp') && !name.startsWith('.lock'))

/** Of some kinds of work, the one in which the fewest kills were. */
const rarest = names => names.reduce((best, name) => (kills[name] < kills[best] ? name : best))

/** Whether the next kill is to be in some work; where it is another's turn, the trial at hand gets through. */
const isTurn = work => killed() < wanted && rarest(Object.keys(kills)) === work

/** Hears how a run that was to be killed has ended; false where it got through. */
function wasKilled(name, work, { code, signal, text }, dirs) {
  if (signal === 'SIGKILL') {
    kills[work]++
    if (dirs.some(dir => leftIn(dir).length > 0)) figures.halfWritten++
    return true
  }
  if (code !== 0) throw new Error(`${name}: exit ${code}\n${text}`)
  figures.litter += leftIn('.').length + readdirSync(temporary).length
  return false
}

/** One packing, over the packed file of other ratings or none, killed until it gets through. */
async function packTrial(source, { expected, milliseconds }, old) {
  const out = `packed-${figures.trials}.lrp`
  figures.trials++
  if (old !== undefined) writeFileSync(join(folder, out), old)
  for (;;) {
    const aim =
      random() < 0.5
        ? { from: 'start', after: random() * 1.05 * milliseconds }
        : { from: 'writing', dir: '.', writes: out, nth: 1, after: random() * 8 }
    const outcome = await run(['pack', source, '--out', out], isTurn('packing') ? aim : undefined)
    const written = read(out)
    const isOld = old === undefined ? written === undefined : written?.equals(old) === true
    const isNew = written?.equals(expected) === true
    if (!isNew && (!isOld || outcome.code === 0)) figures.wrong++
    if (!wasKilled('pack', 'packing', outcome, ['.'])) return
  }
}

/** When to kill a training so that it happens in some work of its. */
function aimAt(work, { milliseconds, gpuAt }, { dir, out }) {
  if (work === 'checkpointing') {
    const nth = 1 + Math.floor(random() * epochs)
    return { from: 'writing', dir, writes: 'checkpoint-', nth, after: random() * 3 }
  }
  if (work === 'saving') return { from: 'writing', dir: '.', writes: out, nth: 1, after: random() * 3 }
  if (random() < 0.15) return { from: 'start', after: random() * gpuAt }
  return { from: 'gpu', after: random() * 1.1 * (milliseconds - gpuAt) }
}

/** One training, killed until `kills` are spent or it gets through; its model must be the undisturbed one. */
async function trainTrial(name, { expected, ...timing }) {
  const dir = `checkpoints-${figures.trials}`
  const out = `model-${figures.trials}.safetensors`
  const words = [...trainWords(name, out), '--checkpoint', dir, '--checkpoint-every', '1', '--resume']
  figures.trials++
  mkdirSync(join(folder, dir))
  for (;;) {
    const work = rarest(['training', 'checkpointing', 'saving'])
    const outcome = await run(words, isTurn(work) ? aimAt(work, timing, { dir, out }) : undefined)
    const from = /going on from epoch (\d+)/.exec(outcome.text)
    if (from !== null) figures.resumed++
    else figures.anew++
    // A rename leaves whole files only: there is never one to pass over.
    if (outcome.text.includes('passed over')) figures.passedOver++
    const written = read(out)
    if (written !== undefined && !written.equals(expected)) figures.wrong++
    if (wasKilled(name, work, outcome, ['.', dir])) continue
    if (written === undefined) throw new Error(`${name}: no model was written`)
    const left = readdirSync(join(folder, dir))
    if (left.length !== 2) throw new Error(`${name}: ${dir} holds ${left.join(', ')}`)
    rmSync(join(folder, dir), { recursive: true })
    return
  }
}

const synth = (entries, out, seed = '1') =>
  mustRun([
    'synth',
    '--users',
    '300',
    '--items',
    '200',
    '--entries',
    entries,
    '--rank',
    '3',
    '--seed',
    seed,
    '--out',
    out,
  ])

try {
  await synth('20000', 'ratings.csv')
  await synth('50000', 'ratings.parquet')
  await synth('5000', 'others.csv', '2')
  let adapter
  const runUndisturbed = async name => {
    if (!(name in kinds)) {
      const outcome = await mustRun(['pack', name, '--out', 'expected.lrp'])
      return { expected: read('expected.lrp'), ...outcome }
    }
    await mustRun(trainWords(name, 'expected.safetensors'))
    const expected = read('expected.safetensors')
    const timed = [...trainWords(name, 'timed.safetensors'), '--checkpoint', `timed ${name}`, '--checkpoint-every', '1']
    const outcome = await mustRun(timed)
    adapter = /GPU: (.*)/.exec(outcome.text)?.[1] ?? adapter
    return { expected, ...outcome }
  }
  const undisturbed = new Map()
  const undisturbedOf = async name => {
    if (!undisturbed.has(name)) undisturbed.set(name, await runUndisturbed(name))
    return undisturbed.get(name)
  }
  await mustRun(['pack', 'others.csv', '--out', 'old.lrp'])
  const old = read('old.lrp')
  const began = performance.now()
  const names = Object.keys(kinds)
  for (let trainings = 0, packings = 0; killed() < wanted; ) {
    if (isTurn('packing')) {
      const source = packings % 2 === 0 ? 'ratings.csv' : 'ratings.parquet'
      await packTrial(source, await undisturbedOf(source), packings % 4 < 2 ? old : undefined)
      packings++
    } else {
      const name = names[trainings % names.length]
      await trainTrial(name, await undisturbedOf(name))
      trainings++
    }
  }
  const seconds = Number(((performance.now() - began) / 1000).toFixed(1))
  const results = { adapter, kills: killed(), of: kills, ...figures, seconds }
  process.stdout.write(`${JSON.stringify(results)}\n`)
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(results, undefined, 2)}\n`)
  if (figures.wrong > 0 || figures.passedOver > 0 || figures.litter > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
