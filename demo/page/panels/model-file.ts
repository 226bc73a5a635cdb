import { signal } from '@preact/signals-core'
import { html, type TemplateResult } from 'lit-html'
import type { FileEvaluation, ModelSummary } from '../../engine/messages.ts'
import { openModel, saveModel } from '../actions.ts'
import { answerReporting, engine } from '../engine.ts'
import { fileButton } from '../file-button.ts'
import { bytes, measure, percent, whole } from '../format.ts'
import { notifyFault } from '../notices.ts'
import { model } from '../state.ts'
import { show } from '../view.ts'

/** What was measured last, and of which model: another model's is not shown. */
const evaluated = signal<{ model: ModelSummary; evaluation: FileEvaluation } | undefined>(undefined)
/** The file that it is measured on at this moment. */
const measuring = signal<{ name: string; done: number; total: number } | undefined>(undefined)

/** The model at hand: what it is, and its way to a file and back. */
export function mountModelFile(root: HTMLElement): void {
  root.classList.add('stack')
  show(
    root,
    () => html`
      ${
        model.value === undefined
          ? html`<p class="empty">No model yet: train one, or load one from a file.</p>`
          : factsView(model.value)
      }
      <div class="row">
        ${
          model.value === undefined
            ? ''
            : html`<button type="button" class="button" @click=${() => void saveModel()}>Save</button>`
        }
        ${fileButton({
          id: 'model-file',
          label: 'Load a model',
          describedBy: 'model-file-about',
          onFiles: ([file]) => void openModel(file!),
        })}
      </div>
      ${model.value === undefined ? '' : measureView(model.value)}
      <div>
        <p class="hint" id="model-file-about">
          Models are <code>.safetensors</code> files, the same as those of the command line: it takes the one that you save
          here, and this page loads those made there.
        </p>
        <details class="commands">
          <summary>On the command line</summary>
          <code class="code" tabindex="0" aria-label="Commands">${commands.map(commandView)}</code>
        </details>
      </div>
    `,
  )
}

const commands = [
  'lowrank evaluate model.safetensors ratings.csv',
  'lowrank recommend model.safetensors --user 1',
  'lowrank train ratings.csv --out model.safetensors',
]

/** Breaks between words alone: browsers would break `--out` too. */
const commandView = (command: string) => html`
  <span class="command">${command.split(' ').map(word => html`<span>${word}</span> `)}</span>
`

const kinds = { explicit: 'Ratings', implicit: 'What was used', bpr: 'Order of items (BPR)' } as const

const factsView = ({ name, source, kind, users, items, factors, epoch, measured, bytes: size }: ModelSummary) => html`
  <dl class="facts">
    <div><dt>${source === 'trained' ? 'Trained on' : 'Loaded from'}</dt><dd>${name}</dd></div>
    <div><dt>Predicts</dt><dd>${kinds[kind]}</dd></div>
    <div><dt>Factors</dt><dd>${whole(factors)}</dd></div>
    <div><dt>Users × items</dt><dd>${whole(users)} × ${whole(items)}</dd></div>
    ${epoch === undefined ? '' : html`<div><dt>Epoch</dt><dd>${whole(epoch)}</dd></div>`}
    ${
      measured === undefined
        ? ''
        : html`<div><dt>Held-out ${measured.measure}</dt><dd>${measure(measured.value)}</dd></div>`
    }
    <div><dt>Size of its file</dt><dd>${bytes(size)}</dd></div>
  </dl>
`

async function evaluate(asked: ModelSummary, file: File): Promise<void> {
  evaluated.value = undefined
  isCancelled = false
  measuring.value = { name: file.name, done: 0, total: file.size }
  const outcome = await answerReporting(
    (done, total) => {
      measuring.value = { name: file.name, done, total }
    },
    onProgress => engine.evaluate(file, onProgress),
  )
  measuring.value = undefined
  if (outcome.ok) evaluated.value = { model: asked, evaluation: outcome.value }
  else if (!isCancelled) notifyFault(`The model could not be measured on ${file.name}`, outcome.fault)
}

let isCancelled = false

function cancel(): void {
  isCancelled = true
  void engine.cancelReading()
  // The button goes away with the reading, and the choice of a file is not there yet.
  document.getElementById('measure-title')?.focus()
}

function measureView(asked: ModelSummary): TemplateResult {
  const shown = evaluated.value?.model === asked ? evaluated.value.evaluation : undefined
  return html`
    <div id="measure" class="stack" role="group" aria-labelledby="measure-title">
      <h3 id="measure-title" tabindex="-1">Measure it on a file</h3>
      <p class="hint" id="measure-about">
        Ratings that the model was not trained on say how well it predicts. All of the file is used.
      </p>
      ${fileButton({
        id: 'measure-file',
        label: 'Choose ratings',
        disabled: measuring.value !== undefined,
        describedBy: 'measure-about',
        onFiles: ([file]) => void evaluate(asked, file!),
      })}
      ${measuring.value === undefined ? '' : measuringView(measuring.value)}
      <div class="stack" role="status">${shown === undefined ? '' : evaluationView(shown)}</div>
    </div>
  `
}

/** Once all is read, the GPU computes the errors, and nobody knows for how long. */
const measuringView = ({ name, done, total }: { name: string; done: number; total: number }) => html`
  <div class="reading">
    <div class="row apart">
      <p>${name}</p>
      ${done < total ? html`<button type="button" class="button quiet" @click=${cancel}>Cancel</button>` : ''}
    </div>
    ${
      done < total
        ? html`<progress aria-label="Reading ${name}" max=${total} .value=${done}></progress>`
        : html`<progress aria-label="Measuring on ${name}"></progress>`
    }
    <p class="hint number">${done < total ? `${percent(done / total)} read` : 'Computing the errors'}</p>
  </div>
`

const evaluationView = ({ name, entries, unknownUsers, unknownItems, rmse, mae, ndcg }: FileEvaluation) => html`
  <p class="small file-name">On ${name}:</p>
  <dl class="facts" id="evaluation">
    ${rmse === undefined ? '' : html`<div><dt>RMSE</dt><dd>${precise(rmse)}</dd></div>`}
    ${mae === undefined ? '' : html`<div><dt>MAE</dt><dd>${precise(mae)}</dd></div>`}
    ${ndcg === undefined ? '' : html`<div><dt>NDCG@10</dt><dd>${precise(ndcg)}</dd></div>`}
    <div><dt>Entries</dt><dd>${whole(entries)}</dd></div>
    <div><dt>Of unknown users</dt><dd>${whole(unknownUsers)}</dd></div>
    <div><dt>Of unknown items</dt><dd>${whole(unknownItems)}</dd></div>
  </dl>
`

/** Digits enough to compare with what the command line says with `--json`. */
const precise = (value: number): string => value.toFixed(6)
