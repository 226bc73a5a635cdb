import { html } from 'lit-html'
import { show } from '../view.ts'

export function mountModelFile(root: HTMLElement): void {
  show(root, () => html`<p class="empty">model-file</p>`)
}
