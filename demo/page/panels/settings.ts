import { computed, signal } from '@preact/signals-core'
import { html, nothing, type TemplateResult } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { createRef, ref } from 'lit-html/directives/ref.js'
import { MODELS, SOLVERS, writeAddress } from '../address.ts'
import { type FieldName, isUsed, mayBeBlank } from '../setting-choices.ts'
import { fields, modelHints, modelNames, solverHints, solverNames } from '../setting-words.ts'
import { chooseDefaults, chooseModel, chooseSolver, leave, problemOf, textOf, type } from '../settings-form.ts'
import { data, planting, settings, training } from '../state.ts'
import { show } from '../view.ts'

/** What came of copying the address. */
const copied = signal<'yes' | 'by-hand' | undefined>(undefined)

/** The run's settings; all of them are in the address. */
export function mountSettings(root: HTMLElement): void {
  show(root, () => {
    const { model } = settings.value
    return html`
      <div class="stack">
        ${choices('model', 'Learn from', modelNames, MODELS, chooseModel, modelHints)}
        ${choices('solver', 'Solver', solverNames, SOLVERS, chooseSolver, solverHints, name => model === 'implicit' && name !== 'als')}
        <div class="settings-fields">${(['factors', 'epochs', 'rate', 'penalty', 'seed'] as const).map(field)}</div>
        <div class="row">
          <button type="button" class="button" @click=${() => void copyLink()}>Copy link</button>
          <button type="button" class="button" @click=${chooseDefaults}>Defaults</button>
        </div>
        ${linkView()}
      </div>
    `
  })
}

function choices<Name extends string>(
  group: 'model' | 'solver',
  legend: string,
  names: Record<Name, string>,
  all: readonly Name[],
  choose: (name: Name) => void,
  hints: Record<Name, string>,
  isOff: (name: Name) => boolean = () => false,
): TemplateResult {
  const chosen = settings.value[group] as Name
  return html`
    <fieldset class="choices" aria-describedby="${group}-hint">
      <legend>${legend}</legend>
      ${all.map(
        name => html`
          <label>
            <input
              type="radio"
              name=${group}
              value=${name}
              .checked=${live(name === chosen)}
              ?disabled=${isOff(name)}
              @change=${() => choose(name)}
            />
            ${names[name]}
          </label>
        `,
      )}
      <p class="hint" id="${group}-hint">${hints[chosen]}${all.some(isOff) ? ' What was used is learnt by ALS alone.' : ''}${
        group === 'model' ? unratedHint() : ''
      }</p>
    </fieldset>
  `
}

const unratedHint = () =>
  data.value?.rated === false && settings.value.model === 'explicit' ? ' The data at hand have no ratings.' : ''

function field(name: FieldName): TemplateResult {
  const { label, hint, keyboard } = fields[name]
  const used = isUsed(name, settings.value)
  const problem = problemOf(name)
  return html`
    <div class="field">
      <label for="setting-${name}">${label}</label>
      <input
        id="setting-${name}"
        inputmode=${keyboard}
        autocomplete="off"
        spellcheck="false"
        .value=${live(used ? textOf(name) : '')}
        placeholder=${used && mayBeBlank(name) ? (resolved.value[name] ?? 'automatic') : used ? '' : 'none'}
        ?disabled=${!used}
        aria-invalid=${problem === undefined ? nothing : 'true'}
        aria-describedby="setting-${name}-hint"
        @input=${({ target }: InputEvent) => type(name, (target as HTMLInputElement).value)}
        @change=${() => leave(name)}
      />
      <p class="hint ${problem === undefined ? '' : 'wrong'}" id="setting-${name}-hint" aria-live="polite">
        ${problem ?? (used ? hint : 'ALS takes no steps, so it has none.')}
      </p>
    </div>
  `
}

/** What the solver took where a field was left blank, once a training with the same choices has said so. */
const resolved = computed<{ rate?: string; penalty?: string }>(() => {
  const last = training.value
  const now = settings.value
  if (last === undefined || last.settings.model !== now.model || last.settings.solver !== now.solver) return {}
  if (last.data !== data.value?.name) return {}
  const { rate, penalty } = last.resolved
  return {
    ...(rate !== undefined && last.settings.rate === undefined ? { rate: String(rate) } : {}),
    ...(penalty !== undefined && last.settings.penalty === undefined ? { penalty: String(penalty) } : {}),
  }
})

const byHand = createRef<HTMLInputElement>()
let forget: ReturnType<typeof setTimeout> | undefined

async function copyLink(): Promise<void> {
  clearTimeout(forget)
  try {
    await navigator.clipboard.writeText(linkNow())
    copied.value = 'yes'
    forget = setTimeout(() => (copied.value = undefined), 6000)
  } catch {
    copied.value = 'by-hand'
    byHand.value?.select()
  }
}

/** The outcome of copying; a link tells of planted movies, but never holds a file. */
function linkView(): TemplateResult {
  const file = data.value?.kind === 'file' ? ' It holds the settings, not your file.' : ''
  const said = { yes: `The link is copied.${file}`, 'by-hand': `Copy the link from here.${file}` } as const
  return html`
    <p class="hint" role="status">${copied.value === undefined ? '' : said[copied.value]}</p>
    ${
      copied.value === 'by-hand'
        ? html`<input ${ref(byHand)} class="input" readonly aria-label="Link to this run" .value=${linkNow()} />`
        : ''
    }
  `
}

const linkNow = (): string =>
  location.origin + location.pathname + writeAddress(settings.value, planting.value) + location.hash
