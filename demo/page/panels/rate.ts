import { html } from 'lit-html'
import { show } from '../view.ts'

export function mountRate(root: HTMLElement): void {
  show(root, () => html`<p class="empty">rate</p>`)
}
