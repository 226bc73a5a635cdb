/**
 * Bytes that a plain copy of vec4s moves a second, read plus write: the yardstick that a kernel's bytes are held against.
 * @param {import('../dist/index.js').Gpu} gpu
 */
export async function prepareCopy(gpu) {
  const { device } = gpu
  // More than the caches of a GPU hold.
  const bytes = 128 * 2 ** 20
  const [source, target] = [0, 1].map(() => device.createBuffer({ size: bytes, usage: 0x80 }))
  const module = device.createShaderModule({
    code: `
      @group(0) @binding(0) var<storage, read> source: array<vec4f>;
      @group(0) @binding(1) var<storage, read_write> copied: array<vec4f>;
      @compute @workgroup_size(256) fn copy(@builtin(global_invocation_id) id: vec3u) {
        copied[id.x] = source[id.x];
      }`,
  })
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } })
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [source, target].map((buffer, binding) => ({ binding, resource: { buffer } })),
  })
  const run = async rounds => {
    const started = performance.now()
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    for (let round = 0; round < rounds; round++) pass.dispatchWorkgroups(bytes / 4096)
    pass.end()
    device.queue.submit([encoder.finish()])
    await gpu.idle()
    return (2 * bytes * rounds) / ((performance.now() - started) / 1000)
  }
  // As many rounds as take about a tenth of a second.
  await run(2)
  const rounds = Math.max(2, Math.ceil((0.1 * (await run(4))) / (2 * bytes)))
  return () => run(rounds)
}
