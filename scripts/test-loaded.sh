#!/bin/sh
# The whole suite while every processor is kept busy by something else, so that a deadline in real seconds shows.
# Takes what `make test` takes: sh scripts/test-loaded.sh make test PYTEST_ARGS="tests/unit"
set -eu
busy=""
# shellcheck disable=SC2086 # a list of process ids
end() { kill $busy 2>/dev/null || true; }
trap end EXIT INT TERM
for _ in $(seq "$(nproc)"); do
    (while :; do :; done) &
    busy="$busy $!"
done
"$@"
