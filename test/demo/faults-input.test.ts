import { describe, expect, it } from 'vitest'
import { faultOf } from '../../demo/engine/faults.ts'
import { InputError } from '../../src/errors.ts'

describe('a fault of a file', () => {
  it('has the place and the line beside the problem', () => {
    const error = new InputError('expected a number as rating', { file: 'u.data', line: 57, text: '1\t2\tx' })
    expect(faultOf(error, {})).toEqual({
      kind: 'input',
      message: 'Expected a number as rating.',
      file: 'u.data',
      line: 57,
      text: '1\t2\tx',
    })
  })

  it.each([
    ["4 fields; format: 'adjacency' (--format adjacency) takes each line for a user", '4 fields.'],
    ['no "user"; there are "a; b", "c"; name them with "columns" (--columns)', 'No "user"; there are "a; b", "c".'],
    ["5 integers; columns: ['1'] (--columns 1) says which, format: 'x' (--format x) that", '5 integers.'],
    ['the user id is empty; expected text', 'The user id is empty; expected text.'],
  ])('names no options and flags that the page has not: %s', (problem, message) => {
    expect(faultOf(new InputError(problem, { file: 'f' }), {}).message).toBe(message)
  })
})
