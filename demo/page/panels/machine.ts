import { html } from 'lit-html'
import type { Machine } from '../../engine/messages.ts'
import { bytes, whole } from '../format.ts'
import { machine, noGpu } from '../state.ts'
import { show } from '../view.ts'

/** The GPU's name and limits; without one, what to do instead of the workbench. */
export function mountMachine(root: HTMLElement, workbench: HTMLElement): void {
  root.replaceChildren()
  show(root, () => {
    if (noGpu.value !== undefined) return html`<p class="chip"><span class="dot soft"></span>No GPU for this page</p>`
    if (machine.value === undefined) return html`<p class="chip" role="status">Looking for your GPU</p>`
    return machineView(machine.value)
  })
  const help = document.createElement('section')
  workbench.before(help)
  show(help, () => {
    const missing = noGpu.value
    workbench.hidden = missing !== undefined
    return missing === undefined ? html`` : noGpuView(missing.message)
  })
}

const machineView = ({ name, software, limits, features }: Machine) => html`
  <details>
    <summary class="chip">
      <span class="dot ${software ? 'soft' : ''}"></span>
      <span class="visually-hidden">GPU: </span>${name}${software ? ' (software)' : ''}
    </summary>
    <div class="sheet card">
      <dl class="facts">
        <div><dt>One binding</dt><dd>${bytes(limits.storageBinding)}</dd></div>
        <div><dt>One buffer</dt><dd>${bytes(limits.buffer)}</dd></div>
        <div><dt>Workgroup</dt><dd>${whole(limits.invocations)} invocations</dd></div>
        <div><dt>Its memory</dt><dd>${bytes(limits.workgroupStorage)}</dd></div>
        <div><dt>Subgroups</dt><dd>${features.subgroups ? 'yes' : 'no'}</dd></div>
        <div><dt>16-bit floats</dt><dd>${features.f16 ? 'yes' : 'no'}</dd></div>
      </dl>
      ${software ? html`<p class="hint">This adapter runs on the CPU: slow, but right.</p>` : ''}
    </div>
  </details>
`

const noGpuView = (message: string) => html`
  <div class="card stack help">
    <h2>This page needs WebGPU</h2>
    <p>${message}</p>
    ${globalThis.isSecureContext ? advice() : insecure}
    <p class="small muted">
      On the command line lowrank needs no browser: <code>npx lowrank doctor</code> says what is missing there.
    </p>
  </div>
`

const insecure = html`
  <p>
    Browsers give WebGPU to pages from <code>https</code> addresses and from this device (<code>localhost</code>) only.
    Open this page from one of these.
  </p>
`

/** What to do in the browser at hand; its name decides nothing but these words. */
function advice() {
  const agent = navigator.userAgent
  if (/Firefox\//.test(agent)) {
    return html`
      <ul class="advice">
        <li>Firefox has WebGPU on Windows since version 141 and on Macs with Apple silicon since 145: update it.</li>
        <li>Elsewhere set <code>dom.webgpu.enabled</code> to true in <code>about:config</code>, or use Chrome or Edge.</li>
        <li><code>about:support</code> says under Graphics whether a GPU was found.</li>
      </ul>
    `
  }
  if (/Safari\//.test(agent) && !/Chrom(e|ium)\//.test(agent)) {
    return html`
      <ul class="advice">
        <li>Safari has WebGPU from version 26 on (macOS 26, iOS 26): update the system.</li>
        <li>Before that, Chrome on the Mac has it.</li>
      </ul>
    `
  }
  return html`
    <ul class="advice">
      <li>Update the browser: Chrome and Edge have WebGPU since version 113, on Android since 121.</li>
      <li>Switch on “Use graphics acceleration when available” in the settings, under System.</li>
      <li>
        On Linux open <code>chrome://flags/#enable-unsafe-webgpu</code> and switch it on; <code>chrome://gpu</code> says
        what is missing.
      </li>
    </ul>
  `
}
