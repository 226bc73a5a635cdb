#!/usr/bin/env bash
# Installs a software GPU (Mesa's lavapipe, a Vulkan driver that runs on the CPU) on Debian and Ubuntu, and with
# --browser also Chromium for the browser tests. Everywhere else it prints the command to run and exits 4.
set -euo pipefail

minimum_mesa=23.1 # Dawn refuses older ones: shaderUniformBufferArrayDynamicIndexing is missing
want_browser=no
[ "${1:-}" = --browser ] && want_browser=yes

say() { printf 'setup-gpu: %s\n' "$*" >&2; }
stop() {
  say "$1"
  shift
  for line in "$@"; do printf '    %s\n' "$line" >&2; done
  exit 4
}

packages=(mesa-vulkan-drivers libvulkan1)

case "$(uname -s)" in
  Linux) ;;
  Darwin) stop 'macOS has Metal built in: there is nothing to install. If no adapter is found, update macOS and Node.' ;;
  *) stop 'Windows has Direct3D 12 built in: there is nothing to install. If no adapter is found, update the graphics driver.' ;;
esac

if ! command -v apt-get >/dev/null; then
  stop 'this script knows apt only; run the one that fits your system:' \
    'sudo dnf install mesa-vulkan-drivers vulkan-loader chromium      # Fedora' \
    'sudo pacman -S vulkan-swrast vulkan-icd-loader chromium          # Arch' \
    'sudo zypper install Mesa-vulkan-device-select libvulkan_lvp libvulkan1 chromium   # openSUSE'
fi

sudo=()
if [ "$(id -u)" -ne 0 ]; then
  if sudo -n true 2>/dev/null; then
    sudo=(sudo -n)
  else
    stop 'root is needed to install packages; run:' "sudo $(printf '%q' "$0") ${1:-}"
  fi
fi
export DEBIAN_FRONTEND=noninteractive
apt() { "${sudo[@]}" apt-get -o Dpkg::Use-Pty=0 -o APT::Get::Assume-Yes=true -qq "$@" >&2; }

. /etc/os-release
codename=${VERSION_CODENAME:-}

# The archive that this machine already uses for its release, as "URI<TAB>keyring": deb822 files first, then one-line ones.
release_archive() {
  local file
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    awk -v suite="$codename" '
      BEGIN { RS = ""; FS = "\n" }
      { uri = ""; key = ""; suites = ""
        for (i = 1; i <= NF; i++) {
          if ($i ~ /^URIs:/) { split($i, part, /[ \t]+/); uri = part[2] }
          if ($i ~ /^Signed-By:/) { split($i, part, /[ \t]+/); key = part[2] }
          if ($i ~ /^Suites:/) suites = $i " " }
        if (uri && suites ~ "[ \t]" suite "[ \t]") { print uri "\t" key; exit } }' "$file"
  done
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | awk -v suite="$codename" '
    $1 == "deb" { key = ""; line = $0
      if (match(line, /\[[^]]*\]/)) {
        options = substr(line, RSTART + 1, RLENGTH - 2); sub(/\[[^]]*\] */, "", line)
        if (match(options, /signed-by=[^ ]+/)) key = substr(options, RSTART + 10, RLENGTH - 10) }
      split(line, part, /[ \t]+/)
      if (part[3] == suite) { print part[2] "\t" key; exit } }'
}

candidate() { apt-cache policy "$1" | awk '/Candidate:/ { print $2 }'; }

say 'reading the package lists'
apt update

target=()
if dpkg --compare-versions "$(candidate mesa-vulkan-drivers)" lt "$minimum_mesa"; then
  say "this release's Mesa is $(candidate mesa-vulkan-drivers), older than $minimum_mesa: taking it from $codename-backports"
  if [ "${ID:-}" != debian ]; then
    stop "no backports of Mesa are known for ${PRETTY_NAME:-this system}; upgrade to a release with Mesa $minimum_mesa or newer."
  fi
  if ! apt-cache policy | grep -q "n=$codename-backports"; then
    IFS=$'\t' read -r uri key < <(release_archive | head -n 1) || true
    [ -n "${uri:-}" ] || stop "no apt source for $codename found; add $codename-backports by hand, then run this again."
    entry=/etc/apt/sources.list.d/lowrank-backports.sources
    say "adding $entry, derived from this machine's own apt sources"
    {
      printf 'Types: deb\nURIs: %s\nSuites: %s-backports\nComponents: main\n' "$uri" "$codename"
      [ -z "$key" ] || printf 'Signed-By: %s\n' "$key"
    } | "${sudo[@]}" tee "$entry" >/dev/null
    apt update
  fi
  target=(-t "$codename-backports")
fi

say "installing ${packages[*]}"
apt install --no-install-recommends "${target[@]}" "${packages[@]}"

if [ "$want_browser" = yes ] && ! command -v chromium >/dev/null; then
  # Ubuntu's package of this name is a shim for a snap, which needs a running snapd.
  say 'installing chromium'
  apt install --no-install-recommends chromium
fi
say "done: Mesa $(dpkg-query -W -f='${Version}' mesa-vulkan-drivers)"
