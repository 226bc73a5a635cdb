import type { Fault } from '../engine/messages.ts'
import { bytes, whole } from './format.ts'
import { type Notice, notices } from './state.ts'

let next = 0

/** Shows a notice and returns what takes it away again. */
export function notify(notice: Omit<Notice, 'id'>): () => void {
  const id = next++
  notices.value = [...notices.value, { ...notice, id }]
  return () => dismiss(id)
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter(notice => notice.id !== id)
}

/** Shows why something failed; of a worker that is gone one notice speaks for all that was asked of it. */
export function notifyFault(title: string, fault: Fault, actions: Notice['actions'] = []): () => void {
  if (fault.kind === 'gone') return () => {}
  return notify({ tone: 'error', title, text: faultText(fault), detail: fault.text, actions })
}

/** A fault in words, with its numbers. */
export function faultText(fault: Fault): string {
  const { message, line, needed, available } = fault
  const parts = [line === undefined ? message : `Line ${whole(line)}: ${message}`]
  if (needed !== undefined) {
    const limit = available === undefined ? '' : `; this device allows ${bytes(available)}`
    parts.push(`It needs ${bytes(needed)}${limit}.`)
  }
  return parts.join(' ')
}
