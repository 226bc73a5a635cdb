import { effect, signal } from '@preact/signals-core'
import { html, render } from 'lit-html'
import { LossChart } from '../loss-chart.ts'
import { paced } from '../paced.ts'
import { isTraining, type TrainingView, training } from '../state.ts'
import { controls } from '../training-controls.ts'
import { epochTable, figures, legend } from '../training-figures.ts'
import { announcement, chartWords } from '../training-words.ts'
import { show } from '../view.ts'

/** The training: its buttons, its curve and its figures. */
export function mountTraining(root: HTMLElement): void {
  root.classList.add('stack')
  const buttons = part(root, 'div')
  const numbers = part(root, 'div', 'stack')
  const figure = part(root, 'figure')
  const canvas = part(figure, 'div', 'training-chart')
  const caption = part(figure, 'div')
  const table = part(root, 'div')
  const spoken = part(root, 'p', 'visually-hidden')
  spoken.setAttribute('role', 'status')
  announce(spoken)

  showControls(buttons)
  const view = paced(training, 100)
  const under = signal<number | undefined>(undefined)
  let chart: LossChart | undefined
  canvas.setAttribute('role', 'img')
  effect(() => {
    root.dataset.status = training.value?.status ?? 'idle'
    const now = view.value
    figure.hidden = now === undefined || isOver(now)
    if (now === undefined || isOver(now)) return
    canvas.setAttribute('aria-label', chartWords(now))
    if (chart === undefined) chart = new LossChart(canvas, now, index => (under.value = index))
    else chart.update(now)
  })
  show(numbers, () => (view.value === undefined ? empty : figures(view.value)))
  show(caption, () => (view.value === undefined ? html`` : legend(view.value, under.value)))
  const open = signal(false)
  const rare = paced(training, 1000)
  show(table, () => {
    const now = rare.value
    if (now === undefined || now.points.length === 0) return html``
    return html`
      <details @toggle=${({ target }: Event) => (open.value = (target as HTMLDetailsElement).open)}>
        <summary class="small">As a table</summary>
        ${open.value ? html`<div class="training-table" role="region" aria-label="Epochs" tabindex="0">${epochTable(now)}</div>` : ''}
      </details>
    `
  })
}

/** A training that ended before its first epoch: there is no curve to show. */
const isOver = (view: TrainingView) => view.points.length === 0 && !isTraining(view)

const empty = html`
  <p class="empty">
    Training hides a tenth of the ratings, learns from the others, and after each epoch predicts the hidden ones. The
    curve of its error appears here.
  </p>
`

function part(root: HTMLElement, tag: 'div' | 'figure' | 'p', className = ''): HTMLElement {
  const made = Object.assign(document.createElement(tag), { className })
  root.append(made)
  return made
}

/** Says important changes to those who listen. */
function announce(spoken: HTMLElement): void {
  let before = training.peek()
  effect(() => {
    const now = training.value
    const text = now === undefined ? undefined : announcement(before, now)
    before = now
    if (text !== undefined) spoken.textContent = text
  })
}

/** The buttons; where the one with the focus makes way for others, the first of them takes the focus. */
function showControls(buttons: HTMLElement): void {
  effect(() => {
    const held = buttons.contains(document.activeElement)
    render(controls(), buttons)
    if (held && !buttons.contains(document.activeElement)) buttons.querySelector('button')?.focus()
  })
}
