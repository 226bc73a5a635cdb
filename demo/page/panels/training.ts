import { html } from 'lit-html'
import { show } from '../view.ts'

export function mountTraining(root: HTMLElement): void {
  show(root, () => html`<p class="empty">training</p>`)
}
