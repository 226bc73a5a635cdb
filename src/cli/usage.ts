import type { Command, CommanderError, Option } from 'commander'
import { closest } from 'fastest-levenshtein'
import { OptionError } from '../errors.ts'

/** What commander found wrong in the words of a command, as this library's error: names the nearest known word. */
export function usageError(error: CommanderError, command: Command): OptionError {
  const text = error.message.replace(/^error: /, '')
  const word = /'(.*)'/s.exec(text)?.[1] ?? ''
  switch (error.code) {
    case 'commander.unknownOption':
      return unknownOption(word, command)
    case 'commander.unknownCommand':
      return unknownCommand(word, command)
    case 'commander.optionMissingArgument': {
      const option = command.options.find(candidate => candidate.flags === word)
      const flag = option === undefined ? word : flagOf(option)
      return new OptionError(flag, `${flag} needs a value: ${option?.description ?? text}`)
    }
    case 'commander.missingMandatoryOptionValue': {
      const option = command.options.find(candidate => candidate.flags === word)
      const flag = option === undefined ? word : flagOf(option)
      return new OptionError(flag, `${command.name()} needs ${option?.flags ?? word}: ${option?.description ?? text}`)
    }
    case 'commander.help':
      return new OptionError(
        command.name(),
        `${command.name()} needs a command, one of ${commandNames(command).join(', ')}`,
      )
    default:
      return new OptionError(command.name(), `${text.replace(/\.$/, '')}; usage: ${usageOf(command)}`)
  }
}

/**
 * An error about an option of the library in the words of the command line: `"batchSize"` becomes `--batch-size`. An
 * option that a flag switches off keeps its name, since what is said of it is not said of the flag.
 */
export function inFlags(error: OptionError, command: Command): OptionError {
  const own = command.options.find(option => option.attributeName() === error.option)
  if (own === undefined) return error
  const flag = flagOf(own)
  if (own.negate) return new OptionError(flag, `${flag}: ${error.message}`, error.nearest)
  const said = command.options.filter(option => !option.negate)
  const flags = new Map(said.map(option => [option.attributeName(), flagOf(option)]))
  const message = error.message.replace(/"([A-Za-z0-9]+)"/g, (quoted, name: string) => flags.get(name) ?? quoted)
  return new OptionError(flag, message, error.nearest)
}

/** `--factors`, or `-k` where there is nothing longer. */
export function flagOf(option: Option): string {
  return option.long ?? option.short ?? option.flags
}

function unknownOption(flag: string, command: Command): OptionError {
  const known = [...command.options.map(flagOf), '--help']
  const name = flag.split('=')[0]!
  const nearest = closest(name, known)
  const option = command.options.find(candidate => flagOf(candidate) === nearest)
  const takes = option === undefined ? '' : ` ${option.flags}: ${option.description}`
  const message = `${inCommand(command)} has no option ${name}; did you mean ${nearest}?`
  return new OptionError(name, takes === '' ? message : `${message}\n   ${takes}`, nearest)
}

function unknownCommand(name: string, command: Command): OptionError {
  const known = commandNames(command)
  const nearest = closest(name, known)
  const message = `there is no command ${JSON.stringify(name)}; did you mean ${nearest}? Commands: ${known.join(', ')}`
  return new OptionError(name, message, nearest)
}

function commandNames(command: Command): string[] {
  return command.commands.map(candidate => candidate.name())
}

function inCommand(command: Command): string {
  return command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`
}

function usageOf(command: Command): string {
  return `${inCommand(command)} ${command.usage()}`
}
