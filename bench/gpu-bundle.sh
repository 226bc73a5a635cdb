#!/usr/bin/env bash
# Packs what a bare, offline x86-64 Linux machine with a GPU driver needs to run the GPU tests and the benchmark: Node,
# Dawn, the built package, the tests with their packages, the Vulkan loader. Under 64 MiB.
#
#   bench/gpu-bundle.sh [FOLDER]      makes FOLDER/lowrank-gpu.tar.xz and FOLDER/run.sh (default: gpu-bundle)
#   FOLDER/run.sh [RESULTS]           on that machine: unpacks, tests, measures; JSON and logs go to RESULTS
#
# run.sh fails where the adapter is a software one. Its knobs: SHAPE="USERS ITEMS ENTRIES" of the planted set (default:
# that of Netflix), RUNS, JSON with the options of each training on it, TESTS=no, PEER=no (no LIBMF beside it), ALLOW_SOFTWARE=yes.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-gpu-bundle}
[ "$(uname -sm)" = 'Linux x86_64' ] || { echo 'gpu-bundle: this packs programs of x86-64 Linux; run it there' >&2; exit 1; }
npm run --silent build
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/lowrank-gpu
mkdir -p "$root/lib" "$folder"

cp "$(readlink -f "$(command -v node)")" "$root/node"
strip "$root/node" 2>/dev/null || true
# (awk reads to the end: where it stops early, ldconfig may die of the closed pipe.)
loader=$(ldconfig -p | awk '/libvulkan\.so\.1 .*x86-64/ && !found++ { print $NF }')
[ -n "$loader" ] || { echo 'gpu-bundle: no libvulkan.so.1 here; npm run setup:gpu installs one' >&2; exit 1; }
cp "$(readlink -f "$loader")" "$root/lib/libvulkan.so.1"
cp -r dist shaders src test bench package.json "$root/"
rm -rf "$root/test/browser" "$root/bench/results"

# The packages that tests and benchmark need, with all that those need; what is for other platforms stays behind.
node --input-type=module - "$root" <<'JS'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
const root = process.argv[2]
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
const wanted = new Set()
const take = name => {
  const folder = join('node_modules', name)
  if (wanted.has(name) || /^@duckdb|^@webgpu/.test(name) || !existsSync(folder)) return
  wanted.add(name)
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) take(other)
}
for (const name of [...Object.keys(dependencies), 'vitest', 'vite', 'fast-check', 'wgsl_reflect', 'libmf']) take(name)
const elsewhere = /darwin|win32|arm64|armhf|ia32|loong64|riscv64|musl|freebsd|openbsd|\.map$|\.dll$|\.dylib$|\/(docs?|README\.md)$/
for (const name of wanted) {
  const from = join('node_modules', name)
  cpSync(from, join(root, from), { recursive: true, dereference: true, filter: file => !elsewhere.test(file) })
}
JS
cat >"$root/vitest.gpu.config.mjs" <<'JS'
export default {
  test: {
    include: ['test/{gpu,kernels,model,solvers,train}/**/*.test.ts'],
    globalSetup: ['test/setup/require-gpu.ts'],
    pool: 'forks',
    testTimeout: 120_000,
  },
}
JS

cat >"$folder/run.sh" <<'SH'
#!/usr/bin/env bash
# Unpacks the bundle beside this file, checks the adapter, runs the GPU tests and the benchmark. See bench/gpu-bundle.sh.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
results=${1:-$here/results}
mkdir -p "$results"
results=$(cd "$results" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if command -v xz >/dev/null; then xz -dc "$here/lowrank-gpu.tar.xz"; else
  python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer)' "$here/lowrank-gpu.tar.xz"
fi | tar -x -C "$work" || { echo 'run: the bundle does not unpack' >&2; exit 1; }
cd "$work/lowrank-gpu"
ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1' || export LD_LIBRARY_PATH=$PWD/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if [ -z "${VK_DRIVER_FILES:-}" ] && ! ls /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json >/dev/null 2>&1; then
  # A driver put there by a container's runtime, where no loader looks.
  driver=$(find /usr/local /opt -name 'nvidia_icd*.json' 2>/dev/null | head -n 1)
  [ -z "$driver" ] || export VK_DRIVER_FILES=$driver
fi
failed=0

./node --input-type=module - <<'JS' 2>&1 | tee "$results/adapter.log"
import { openGpu } from './dist/node.js'
const gpu = await openGpu()
const { adapter, limits, features, subgroupMinSize } = gpu.capabilities
console.log(JSON.stringify({ adapter, limits, features, subgroupMinSize }, undefined, 2))
gpu.destroy()
if (adapter.software && process.env.ALLOW_SOFTWARE !== 'yes') {
  console.error('run: this adapter runs on the CPU; a GPU is wanted (ALLOW_SOFTWARE=yes to go on)')
  process.exitCode = 1
}
JS
[ "${PIPESTATUS[0]}" -eq 0 ] || { echo 'run: FAILED, no GPU' >&2; exit 4; }

if [ "${TESTS:-yes}" = yes ]; then
  ./node node_modules/vitest/vitest.mjs run --config vitest.gpu.config.mjs --maxWorkers "$(nproc)" 2>&1 | tee "$results/tests.log" | tail -n 40
  [ "${PIPESTATUS[0]}" -eq 0 ] || { echo 'run: the GPU tests FAILED' >&2; failed=1; }
fi

read -r users items entries <<<"${SHAPE:-480189 17770 100480507}"
runs=${RUNS:-'[{"factors":32,"epochs":5},{"factors":128,"epochs":5},{"factors":128,"precision":"f16","epochs":5}]'}
./node bench/run-lowrank.mjs "{\"planted\":{\"users\":$users,\"items\":$items,\"entries\":$entries}}" "$runs" \
  >"$results/shape.jsonl" || failed=1
[ "${PEER:-yes}" != yes ] || ./node bench/bench.mjs --parts trainers --sets planted-5m --out "$results/planted-5m.json" >/dev/null || failed=1
for solver in cg exact; do
  ./node bench/als.mjs --row-solver $solver --models implicit,explicit --out "$results/als-$solver.json" >/dev/null || failed=1
done
./node bench/ranking.mjs --out "$results/ranking.json" >/dev/null || failed=1
[ "$failed" -eq 0 ] && echo 'run: all passed' || { echo 'run: FAILED' >&2; exit 1; }
SH
chmod +x "$folder/run.sh"
tar -c -C "$stage" lowrank-gpu | xz -9e -T 2 >"$folder/lowrank-gpu.tar.xz"
bytes=$(stat -c %s "$folder/lowrank-gpu.tar.xz")
printf 'gpu-bundle: %s/lowrank-gpu.tar.xz, %s MiB\n' "$folder" $((bytes / 1048576))
[ "$bytes" -lt $((64 * 1048576 - 65536)) ] || { echo 'gpu-bundle: larger than 64 MiB' >&2; exit 1; }
