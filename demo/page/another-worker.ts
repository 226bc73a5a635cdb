import { batch } from '@preact/signals-core'
import type { Fault } from '../engine/messages.ts'
import { openGpu, openModel, openRatings, openTitles, plant } from './actions.ts'
import { startAgain, whenGone } from './engine.ts'
import { notify } from './notices.ts'
import { data, model, sources, titles } from './state.ts'

/** Offers to begin anew where the worker is gone: an error that nobody caught, or a browser that ended it. */
export function replaceLostWorkers(): void {
  whenGone(offerAnother)
}

function offerAnother({ message }: Fault): void {
  const lost = model.value?.source === 'trained' ? ' The trained model is lost with it.' : ''
  const kept = Object.values(sources.value).some(file => file !== undefined)
    ? 'Settings and your stars are kept, and your files are read again.'
    : 'Settings and your stars are kept.'
  notify({
    tone: 'error',
    title: 'The worker is gone',
    text: `${message}${lost} ${kept}`,
    actions: [{ label: 'Start again', run: () => void begin(), primary: true }],
    lasting: true,
  })
}

/** Gives another worker what this page still has. */
async function begin(): Promise<void> {
  startAgain()
  batch(() => {
    data.value = undefined
    titles.value = undefined
    model.value = undefined
  })
  if (!(await openGpu())) return
  const { ratings, titles: words, model: file } = sources.value
  if (ratings === undefined) await plant()
  else await openRatings(ratings)
  if (words !== undefined) await openTitles(words)
  if (file !== undefined) await openModel(file)
}
