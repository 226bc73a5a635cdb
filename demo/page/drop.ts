import { openFiles } from './actions.ts'

/** Takes files that are dropped anywhere on the page. */
export function takeDrops(root: HTMLElement): void {
  const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
  root.addEventListener('dragover', event => {
    if (!holdsFiles(event)) return
    event.preventDefault()
    root.classList.add('dropping')
  })
  root.addEventListener('dragleave', event => {
    if (event.relatedTarget === null) root.classList.remove('dropping')
  })
  root.addEventListener('drop', event => {
    root.classList.remove('dropping')
    const files = [...(event.dataTransfer?.files ?? [])]
    if (files.length === 0) return
    event.preventDefault()
    void openFiles(files)
  })
}
