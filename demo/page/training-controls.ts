import { computed } from '@preact/signals-core'
import { html, type TemplateResult } from 'lit-html'
import { pause, resume, stop, train } from './actions.ts'
import { fields } from './setting-words.ts'
import { chooseModel, wrongFields } from './settings-form.ts'
import { data, isTraining, machine, reading, settings, training } from './state.ts'
import { statusWords } from './training-words.ts'

/** Why a training cannot begin now; undefined where it can. */
const waiting = computed<string | undefined>(() => {
  if (machine.value === undefined) return 'Looking for your GPU.'
  if (reading.value !== undefined) return `Waiting for ${reading.value.name}.`
  if (data.value === undefined) return 'There are no ratings to train on yet.'
  if (wrongFields.value.length > 0)
    return `Correct in the settings first: ${wrongFields.value.map(name => fields[name].label.toLowerCase()).join(', ')}.`
  if (isUnrated.value) return 'These data have no ratings to learn from, only what was used.'
  return undefined
})

const isUnrated = computed(() => data.value?.rated === false && settings.value.model === 'explicit')

/** The buttons of the training and what it does now. */
export const controls = (): TemplateResult => {
  const view = training.value
  return html`
    <div class="row training-controls">
      ${view !== undefined && isTraining(view) ? underWay(view.status) : ready(view?.status === 'failed' ? view.keptEpoch : undefined)}
      <p class="small training-status">${view === undefined ? '' : statusWords(view)}</p>
    </div>
  `
}

const ready = (keptEpoch: number | undefined) => html`
  <button
    type="button"
    class="button primary training-start"
    aria-describedby="training-waiting"
    ?disabled=${waiting.value !== undefined}
    @click=${() => void train()}
  >
    Train
  </button>
  ${
    keptEpoch === undefined
      ? ''
      : html`<button type="button" class="button" @click=${() => void train(true)}>Go on from epoch ${keptEpoch}</button>`
  }
  ${
    isUnrated.value
      ? html`<button type="button" class="button" @click=${() => chooseModel('implicit')}>Learn from what was used</button>`
      : ''
  }
  <p class="small muted" id="training-waiting">${waiting.value ?? ''}</p>
`

/** The first button keeps its place and the focus: it is never disabled for the browser, which would drop the focus. */
const underWay = (status: string) => {
  const paused = status === 'paused' || status === 'pausing'
  const off = status === 'preparing' || status === 'stopping'
  return html`
    <button type="button" class="button training-start" aria-disabled=${off} @click=${paused ? resume : pause}>
      ${paused ? 'Resume' : 'Pause'}
    </button>
    <button type="button" class="button" aria-disabled=${status === 'stopping'} @click=${stop}>Stop</button>
  `
}
