import type { Yardstick } from '../engine/messages.ts'

/** How the lines of yardsticks are told apart without colours: lengths of their dashes and gaps, in CSS pixels. */
export const dashes: Record<Yardstick['kind'], readonly number[]> = {
  mean: [14, 6],
  biases: [6, 4],
  popular: [6, 4],
  floor: [2, 3],
}

/** Their names in the chart. */
export const yardstickLabels: Record<Yardstick['kind'], string> = {
  mean: 'global mean',
  biases: 'biases alone',
  popular: 'popularity alone',
  floor: 'noise floor',
}
