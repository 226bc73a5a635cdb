import { effect } from '@preact/signals-core'
import { render, type TemplateResult } from 'lit-html'

/** Keeps an element showing a view: it is rendered anew when a signal that the view reads changes. */
export function show(root: Element, view: () => TemplateResult): void {
  const container = root as HTMLElement
  effect(() => {
    render(view(), container)
  })
}

/** An element of index.html. */
export function element<Kind extends Element = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no element "${id}"`)
  return found as unknown as Kind
}
