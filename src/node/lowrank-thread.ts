// The program of a thread that `hostThreads` starts: a file of its own in the build.
import { parentPort } from 'node:worker_threads'
import { packingThread } from '../layout/packing-thread.ts'

const answerTo = packingThread()
parentPort!.on('message', message => {
  const { answer, transfer } = answerTo(message)
  parentPort!.postMessage(answer, transfer)
})
