/** Asks of which only the newest counts. */
export interface Latest<Question> {
  /** Asks at once, or as soon as the question under way is answered; a question that still waits then is left out. */
  ask(question: Question): void
  /** Leaves out the question that waits, and the answer under way. */
  drop(): void
}

/**
 * Puts questions one at a time, so that a slow answer never makes a queue: while one is under way only the newest waits.
 * @param put must not reject
 * @param take gets an answer, unless there is a newer question
 */
export function latestOnly<Question, Answer>(
  put: (question: Question) => Promise<Answer>,
  take: (answer: Answer, question: Question) => void,
): Latest<Question> {
  let waiting: { question: Question } | undefined
  let running = false
  let wanted = false

  async function run(): Promise<void> {
    running = true
    while (waiting !== undefined) {
      const { question } = waiting
      waiting = undefined
      wanted = true
      const answer = await put(question)
      if (wanted && waiting === undefined) take(answer, question)
    }
    running = false
  }

  return {
    ask(question) {
      waiting = { question }
      if (!running) void run()
    },
    drop() {
      waiting = undefined
      wanted = false
    },
  }
}

/** Runs something once calls have ceased for a while, with the last call's argument. */
export function debounced<Argument>(milliseconds: number, run: (argument: Argument) => void) {
  let timer: ReturnType<typeof setTimeout> | undefined
  const cancel = () => clearTimeout(timer)
  const call = (argument: Argument) => {
    cancel()
    timer = setTimeout(() => run(argument), milliseconds)
  }
  return { call, cancel }
}
