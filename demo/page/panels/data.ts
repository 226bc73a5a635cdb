import { html } from 'lit-html'
import { show } from '../view.ts'

export function mountData(root: HTMLElement): void {
  show(root, () => html`<p class="empty">data</p>`)
}
