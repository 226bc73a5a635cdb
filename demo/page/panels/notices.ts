import { html } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import { dismiss } from '../notices.ts'
import { type Notice, notices } from '../state.ts'
import { show } from '../view.ts'

/** What went wrong or needs an answer, newest last; read out when it appears. */
export function mountNotices(root: HTMLElement): void {
  show(root, () => html`${repeat(notices.value, notice => notice.id, noticeView)}`)
}

const noticeView = ({ id, tone, title, text, detail, actions = [], lasting = false }: Notice) => html`
  <div class="notice ${tone}" role=${tone === 'info' ? 'status' : 'alert'}>
    <h2>${title}</h2>
    <p class="small">${text}</p>
    ${detail === undefined ? '' : html`<code class="code" tabindex="0" aria-label="The line">${detail}</code>`}
    <div class="row">
      ${actions.map(
        ({ label, run, primary }) => html`
          <button
            type="button"
            class="button ${primary === true ? 'primary' : ''}"
            @click=${() => {
              dismiss(id)
              run()
            }}
          >
            ${label}
          </button>
        `,
      )}
      ${lasting || asks(actions) ? '' : html`<button type="button" class="button quiet" @click=${() => dismiss(id)}>Dismiss</button>`}
    </div>
  </div>
`

/** A question is answered by one of its two buttons; anything else can be put away. */
const asks = (actions: NonNullable<Notice['actions']>) => actions.length > 1
