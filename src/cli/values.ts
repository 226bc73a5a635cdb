import { OptionError } from '../errors.ts'

// Parsers of option values. Each is given the flag, for its error, and returns what commander calls with the text.

type Parser<Value> = (text: string) => Value

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** The number that a text spells out in decimal notation; undefined for every other text and for what overflows. */
export function parseDecimal(text: string): number | undefined {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  return Number.isFinite(value) ? value : undefined
}

export function numberValue(flag: string, what: string, allowed: (value: number) => boolean): Parser<number> {
  return text => {
    const value = parseDecimal(text)
    if (value === undefined || !allowed(value)) throw wrongValue(flag, what, text)
    return value
  }
}

export function integerValue(flag: string, least: number, most: number): Parser<number> {
  const what = `an integer from ${least} to ${most}`
  return numberValue(flag, what, value => Number.isInteger(value) && value >= least && value <= most)
}

/** Integers separated by commas. */
export function integersValue(flag: string, least: number, most: number): Parser<number[]> {
  const what = `one or more integers from ${least} to ${most}, separated by commas`
  return text =>
    text.split(',').map(word => {
      const value = parseDecimal(word.trim())
      if (value === undefined || !Number.isInteger(value) || value < least || value > most) {
        throw wrongValue(flag, what, text)
      }
      return value
    })
}

export function choiceValue<const Choice extends string>(flag: string, choices: readonly Choice[]): Parser<Choice> {
  return text => {
    const choice = choices.find(candidate => candidate === text)
    if (choice === undefined) throw wrongValue(flag, `one of ${choices.join(', ')}`, text)
    return choice
  }
}

/** The name of a file; a flag in its place is a forgotten name. */
export function fileValue(flag: string): Parser<string> {
  return text => {
    if (text === '') throw wrongValue(flag, 'the name of a file', text)
    if (text.startsWith('--')) {
      throw new OptionError(
        flag,
        `${flag} needs the name of a file, not ${text}; write ./${text} for a file of that name`,
      )
    }
    return text
  }
}

/** Words separated by commas. */
export function listValue(flag: string): Parser<string[]> {
  return text => {
    const words = text.split(',').map(word => word.trim())
    if (words.includes('')) throw wrongValue(flag, 'a list separated by commas', text)
    return words
  }
}

function wrongValue(flag: string, what: string, text: string): OptionError {
  return new OptionError(flag, `${flag} must be ${what}, not ${JSON.stringify(text)}`)
}
