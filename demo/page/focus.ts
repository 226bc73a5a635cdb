/**
 * Keeps the focus where lists change under it: on the element that had it, or, where that is gone, on its counterpart
 * in the row that stands in its place. Counterparts have the same `data-act`.
 * @param update changes the content of `root` at once
 */
export function keepFocus(root: Element, update: () => void): void {
  const before = document.activeElement
  if (!(before instanceof HTMLElement) || !root.contains(before)) {
    update()
    return
  }
  const row = before.closest('li')
  const list = row?.parentElement
  const place = row && list ? [...list.children].indexOf(row) : 0
  update()
  if (document.activeElement === before) return
  counterpart(before, list, place, root)?.focus({ preventScroll: true })
}

function counterpart(before: HTMLElement, list: Element | null | undefined, place: number, root: Element) {
  if (before.isConnected) return before
  const rows = list?.isConnected ? [...list.children] : []
  const row = rows[Math.min(place, rows.length - 1)]
  const same = row?.querySelector<HTMLElement>(`[data-act="${before.dataset.act}"]`)
  return same ?? row?.querySelector<HTMLElement>('button, input') ?? root.querySelector<HTMLElement>('input')
}
