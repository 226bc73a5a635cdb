import { html } from 'lit-html'
import { show } from '../view.ts'

export function mountUsers(root: HTMLElement): void {
  show(root, () => html`<p class="empty">users</p>`)
}
