import type { Command } from 'commander'
import { type AdapterFacts, type DoctorFacts, diagnose, gatherFacts } from '../../node/doctor.ts'
import { adapterName } from '../adapter.ts'
import { exitCodes } from '../exit-codes.ts'
import { bytes, facts } from '../format.ts'
import { perform, type Run, type Session } from '../session.ts'

export function addDoctor(program: Command, session: Session): void {
  program
    .command('doctor')
    .description('what there is to run on, what is missing, and the command that mends it')
    .action(perform(session, doctor))
}

const doctor: Run = async session => {
  const { terminal } = session
  const found = await gatherFacts()
  const findings = diagnose(found)
  const usable = found.adapters.length > 0
  if (!usable) session.exitCode = exitCodes.gpu
  terminal.say(facts(machineFacts(found)))
  for (const adapter of found.adapters) terminal.say(`\n${facts(adapterFacts(adapter))}`)
  const { red, green, yellow } = terminal.colors
  for (const { problem, remedy } of findings) {
    terminal.say(`\n${usable ? yellow('note') : red('missing')}: ${problem}\n  ${remedy}`)
  }
  terminal.say(usable ? green('\nlowrank can run here.') : red('\nlowrank cannot run here: no adapter.'))
  return { usable, ...found, findings }
}

function machineFacts({ node, platform, system, webgpu, vulkan }: DoctorFacts): [string, string][] {
  const rows: [string, string][] = [
    ['node', `${node} on ${platform}, ${system}`],
    ['webgpu', webgpu.problem ?? `${webgpu.version ?? 'not found'} (Dawn)`],
  ]
  if (vulkan === undefined) return rows
  const { loader, drivers, override, mesa, devices } = vulkan
  const names = drivers.map(({ file, library }) => library?.split('/').at(-1) ?? `${file} (cannot be read)`)
  rows.push(['vulkan loader', loader ?? 'not found'])
  rows.push([override === undefined ? 'vulkan drivers' : `drivers by ${override}`, names.join(', ') || 'none'])
  rows.push(['mesa', mesa ?? 'not installed as a package'])
  const nodes = devices.map(({ path, usable }) => `${path}${usable ? '' : ' (not accessible)'}`)
  rows.push(['gpu devices', nodes.join(', ') || 'none'])
  return rows
}

function adapterFacts(adapter: AdapterFacts): [string, string][] {
  const { limits, features, answers } = adapter
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = limits
  return [
    ['adapter', adapterName(adapter)],
    ['  given for', answers.join(', ')],
    ['  features', features.join(', ') || 'none of those that lowrank uses'],
    [
      '  buffers',
      `${bytes(limits.maxStorageBufferBindingSize)} a binding, ${bytes(limits.maxBufferSize)} in all, ${limits.maxStorageBuffersPerShaderStage} a shader`,
    ],
    [
      '  workgroups',
      `${maxComputeInvocationsPerWorkgroup} invocations, ${bytes(maxComputeWorkgroupStorageSize)}, ${limits.maxComputeWorkgroupsPerDimension} a dimension`,
    ],
  ]
}
