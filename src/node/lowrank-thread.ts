// The program of a thread that `hostThreads` starts: a file of its own in the build.
import { parentPort } from 'node:worker_threads'
import { threadProgram } from '../train/thread-program.ts'

const answerTo = threadProgram()
parentPort!.on('message', message => {
  const { answer, transfer } = answerTo(message)
  parentPort!.postMessage(answer, transfer)
})
