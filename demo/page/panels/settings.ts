import { html } from 'lit-html'
import { show } from '../view.ts'

export function mountSettings(root: HTMLElement): void {
  show(root, () => html`<p class="empty">settings</p>`)
}
