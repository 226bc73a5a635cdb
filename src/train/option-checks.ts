import * as v from 'valibot'
import { OptionError } from '../errors.ts'
import { fusedRates, isFused } from './option-defaults.ts'
import { optionsSchema, type Parsed, type Trainer } from './options-schema.ts'

/** Options that only one kind of training knows. */
const onlyWith = {
  workers: 'the solver sgd',
  strata: 'the solver sgd',
  rowSolver: 'the solver als',
  cgSteps: 'the solver als',
  cgTolerance: 'the solver als',
  alpha: 'the model implicit',
  unobservedWeight: 'the model implicit',
  negativePower: 'the model bpr',
} as const satisfies { [Name in keyof Parsed]?: string }

/** @throws OptionError for options that do not go with one another */
export function checkTrainer(trainer: Trainer, solver: 'sgd' | 'minibatch' | 'als', parsed: Parsed): void {
  const { model, optimizer, precision, penalty } = parsed
  if ((model === 'implicit') !== (solver === 'als') && model !== 'explicit') {
    const own = model === 'implicit' ? 'als' : 'sgd'
    throw new OptionError('solver', `"solver" ${solver} does not go with the model ${model}, which knows ${own} only`)
  }
  if (trainer === 'sgd' && !isFused(optimizer)) {
    const names = Object.keys(fusedRates).join(' and ')
    throw new OptionError(
      'optimizer',
      `"optimizer" ${optimizer} does not go with the solver sgd, which knows ${names}; take the solver minibatch`,
    )
  }
  const what = trainer === 'bpr' || model === 'implicit' ? `the model ${model}` : `the solver ${solver}`
  checkSteps(trainer, what, parsed)
  if (precision !== 'f32' && trainer !== 'sgd') {
    throw new OptionError(
      'precision',
      `"precision" ${precision} goes with the solver sgd only, not with ${nameOf(what)}`,
    )
  }
  for (const [option, owner] of Object.entries(onlyWith)) {
    const kinds = [`the solver ${trainer}`, `the model ${model}`]
    if (parsed[option as keyof typeof onlyWith] !== undefined && !kinds.includes(owner)) {
      const other = owner.startsWith('the model') ? `the model ${model}` : nameOf(what)
      throw new OptionError(option, `"${option}" goes with ${owner} only, not with ${other}`)
    }
  }
  if (parsed.alpha !== undefined && parsed.unobservedWeight !== undefined) {
    throw new OptionError('alpha', '"alpha" and "unobservedWeight" are two ways to weigh cells: take one of them')
  }
  if (parsed.link === 'bounded' && (trainer === 'als' || trainer === 'bpr')) {
    throw new OptionError('link', `"link" bounded does not go with ${what}, whose scores are linear`)
  }
  for (const option of ['globalMean', 'clip', ...(model === 'implicit' ? ['biases'] : [])] as const) {
    if (model !== 'explicit' && parsed[option as 'clip'] === true) {
      throw new OptionError(option, `"${option}" does not go with the model ${model}, which has none`)
    }
  }
  if (trainer === 'minibatch' && optimizer === 'adam' && penalty !== undefined && penalty !== 'frobenius') {
    throw new OptionError(
      'penalty',
      '"penalty" does not go with the optimizer adam, whose penalty is weight decay on all rows (frobenius); take sparse-adam, or leave it out',
    )
  }
}

/** Refuses rules of steps that a training would pass over; what options resolve to by default is no such rule. */
function checkSteps(trainer: Trainer, what: string, { optimizer, schedule, onDivergence, penalty }: Parsed): void {
  if (trainer !== 'als' && trainer !== 'bpr') return
  if (optimizer !== v.getDefault(optionsSchema.entries.optimizer)) {
    const own = trainer === 'als' ? 'solves whole rows' : 'takes plain steps'
    throw new OptionError('optimizer', `"optimizer" ${optimizer} does not go with ${what}, which ${own}; leave it out`)
  }
  if (trainer === 'als' && schedule !== 'constant') {
    throw new OptionError('schedule', `"schedule" ${schedule} does not go with ${what}, which has no learning rate`)
  }
  if (trainer === 'als' && onDivergence !== 'stop') {
    throw new OptionError(
      'onDivergence',
      `"onDivergence" ${onDivergence} does not go with ${what}, which has no learning rate`,
    )
  }
  if (trainer === 'bpr' && penalty !== undefined && penalty !== 'weighted') {
    throw new OptionError('penalty', `"penalty" ${penalty} does not go with the model bpr, which knows weighted only`)
  }
}

const nameOf = (what: string) => what.replace(/^the solver /, '')
