// The product of a block of users with a range of items, keeping only each user's maximum: what ranking is held against.

/** The ranker's way: an invocation owns USERS users and streams over the items, whose rows are the same for a workgroup. */
const streamed = tile => `
  const USERS = ${tile.users};
  const ITEMS = ${tile.items};
  @group(0) @binding(0) var<storage, read> users: array<vec4f>;
  @group(0) @binding(1) var<storage, read> items: array<vec4f>;
  @group(0) @binding(2) var<storage, read_write> best: array<f32>;
  // vec4s in a row, users, items
  @group(0) @binding(3) var<uniform> sizes: vec4u;

  @compute @workgroup_size(64) fn product(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) local_index: u32,
  ) {
    let first = group.x * 64 * USERS + local_index;
    var highest: array<f32, USERS>;
    for (var x = 0u; x < USERS; x++) { highest[x] = -1e30; }
    for (var item = 0u; item < sizes.z; item += ITEMS) {
      var tile: array<f32, USERS * ITEMS>;
      for (var block = 0u; block < sizes.x; block++) {
        var p: array<vec4f, USERS>;
        for (var x = 0u; x < USERS; x++) { p[x] = users[block * sizes.y + first + 64 * x]; }
        for (var y = 0u; y < ITEMS; y++) {
          let q = items[(item + y) * sizes.x + block];
          for (var x = 0u; x < USERS; x++) { tile[x * ITEMS + y] += dot(p[x], q); }
        }
      }
      for (var x = 0u; x < USERS; x++) {
        for (var y = 0u; y < ITEMS; y++) { highest[x] = max(highest[x], tile[x * ITEMS + y]); }
      }
    }
    for (var x = 0u; x < USERS; x++) { best[first + 64 * x] = highest[x]; }
  }`

/** The classic way: 8 x 8 invocations share 32 users and 32 items at a time, 4 x 4 scores each, rows as they lie. */
const tiled = `
  const SIDE = 4;
  @group(0) @binding(0) var<storage, read> users: array<vec4f>;
  @group(0) @binding(1) var<storage, read> items: array<vec4f>;
  @group(0) @binding(2) var<storage, read_write> best: array<f32>;
  @group(0) @binding(3) var<uniform> sizes: vec4u;

  @compute @workgroup_size(8, 8) fn product(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) local: vec3u,
  ) {
    let first = group.x * 32 + local.x;
    var highest: array<f32, SIDE>;
    for (var x = 0u; x < SIDE; x++) { highest[x] = -1e30; }
    for (var item = local.y; item < sizes.z; item += 32) {
      var tile: array<f32, SIDE * SIDE>;
      for (var block = 0u; block < sizes.x; block++) {
        var p: array<vec4f, SIDE>;
        var q: array<vec4f, SIDE>;
        for (var x = 0u; x < SIDE; x++) { p[x] = users[(first + 8 * x) * sizes.x + block]; }
        for (var y = 0u; y < SIDE; y++) { q[y] = items[(item + 8 * y) * sizes.x + block]; }
        for (var x = 0u; x < SIDE; x++) {
          for (var y = 0u; y < SIDE; y++) { tile[x * SIDE + y] += dot(p[x], q[y]); }
        }
      }
      for (var x = 0u; x < SIDE; x++) {
        for (var y = 0u; y < SIDE; y++) { highest[x] = max(highest[x], tile[x * SIDE + y]); }
      }
    }
    for (var x = 0u; x < SIDE; x++) { best[(first + 8 * x) * 8 + local.y] = highest[x]; }
  }`

/**
 * Prepares a product of random rows; returns what runs it for about half a second and tells its multiply-adds a second.
 * @param {import('../dist/index.js').Gpu} gpu
 * @param {{users: number, items: number} | undefined} tile of the ranker's way; the classic way without
 * @param {{users: number, items: number, factors: number}} shape bounds of what a CPU multiplies at a time
 */
export async function prepareProduct(gpu, tile, { users, items, factors }) {
  const { device } = gpu
  const [code, rowStep, columnStep] =
    tile === undefined ? [tiled, 32, 32] : [streamed(tile), 64 * tile.users, tile.items]
  const blocks = Math.ceil(factors / 4)
  // Whole workgroups and tiles, of a size at which the items stay in a cache; on a GPU as many as keep all of it busy.
  const most = gpu.capabilities.adapter.software ? Math.min(users, 4096) : 65_536
  const groups = Math.max(1, Math.floor(most / rowStep))
  const rows = groups * rowStep
  const columns = columnStep * Math.max(1, Math.floor(Math.min(items, 512) / columnStep))
  const upload = (floats, usage = 0x88) => {
    const buffer = device.createBuffer({ size: floats.byteLength, usage })
    device.queue.writeBuffer(buffer, 0, floats)
    return buffer
  }
  const numbers = length => Float32Array.from({ length }, () => Math.random() - 0.5)
  const buffers = [
    upload(numbers(4 * blocks * rows)),
    upload(numbers(4 * blocks * columns)),
    upload(new Float32Array(8 * rows)),
    upload(Uint32Array.of(blocks, rows, columns, 0), 0x48),
  ]
  const module = device.createShaderModule({ code })
  const pipeline = await gpu.wait(device.createComputePipelineAsync({ layout: 'auto', compute: { module } }))
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  })
  const run = async dispatches => {
    const started = performance.now()
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    for (let dispatch = 0; dispatch < dispatches; dispatch++) pass.dispatchWorkgroups(groups)
    pass.end()
    device.queue.submit([encoder.finish()])
    await gpu.idle()
    return (dispatches * rows * columns * factors) / ((performance.now() - started) / 1000)
  }
  await run(1)
  const dispatches = Math.max(1, Math.ceil((0.5 * (await run(2))) / (rows * columns * factors)))
  return () => run(dispatches)
}
