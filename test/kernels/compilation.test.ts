import { describe, expect, it } from 'vitest'
import { linkKernel } from '../../src/gpu/kernel.ts'
import { useGpu } from '../support/gpu.ts'
import { allKernels, kernelTitle } from '../support/kernels.ts'

const device = useGpu()

describe('the shader compiler', () => {
  it.each(allKernels.map(kernel => [kernelTitle(kernel), kernel] as const))(
    'has nothing to say of %s',
    async (_, kernel) => {
      const module = device.gpu.device.createShaderModule({ label: kernel.name, code: await linkKernel(kernel) })
      const { messages } = await device.gpu.wait(module.getCompilationInfo())
      expect(messages.map(({ type, lineNum, message }) => `${type} in line ${lineNum}: ${message}`)).toEqual([])
    },
  )
})
