#!/bin/sh
# Makes build/api-tools: schemathesis and openapi-python-client with exactly the packages of requirements-api.lock.
# They stand apart from .venv: what they ask of shared packages (an older typer) must not hold the house's back.
set -eu
cd "$(dirname "$0")/.."
folder=build/api-tools
stamp="$(pwd) $(cksum <requirements-api.lock)"
[ "$(cat $folder/stamp 2>/dev/null)" = "$stamp" ] && exit 0
printf 'Installing what fuzzes the API and makes its client into %s\n' "$folder" >&2
rm -rf $folder
mkdir -p build
if uv --version >/dev/null 2>&1 && uv venv --quiet --python .venv/bin/python $folder &&
    uv pip install --quiet --python $folder/bin/python --require-hashes -r requirements-api.lock; then
    :
else
    rm -rf $folder
    .venv/bin/python -m venv $folder
    $folder/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-api.lock
fi
printf '%s\n' "$stamp" >$folder/stamp
