import { html } from 'lit-html'
import { show } from '../view.ts'

export function mountMap(root: HTMLElement): void {
  show(root, () => html`<p class="empty">map</p>`)
}
