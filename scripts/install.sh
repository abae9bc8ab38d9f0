#!/bin/sh
# Makes .venv with exactly the packages of requirements.lock (checked by hash) and this project in it, editable.
# Needs only Python 3.11 to 3.14. A second run compares two checksums and ends.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV PIP_TARGET PIP_PREFIX PIP_USER 2>/dev/null || true

say() { printf '%s\n' "$*" >&2; }
die() { say "install: $*"; exit 1; }

# A virtual environment does not survive a move, so the folder is part of the stamps.
packages_stamp="$(pwd) $(cksum <requirements.lock)"
project_stamp="$(pwd) $(cksum <pyproject.toml)"
stamped() { [ -x .venv/bin/python ] && [ "$(cat ".venv/stamp-$1" 2>/dev/null)" = "$2" ]; }

good_python() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1; }

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if good_python "$name"; then
            command -v "$name"
            return
        fi
    done
    die "no Python 3.11 to 3.14 was found. Install one (Debian: apt-get install python3), or name it: make PYTHON=/path/to/python3"
}

# Debian splits ensurepip out of Python, into pythonX.Y-venv.
need_ensurepip() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 && return
    package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing Debian's $package"
        apt-get update -qq </dev/null
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" </dev/null >&2
    else
        die "$1 cannot make virtual environments. Install $package (Debian, Ubuntu), then run this again."
    fi
}

with_uv() {
    uv --version >/dev/null 2>&1 || return 1
    [ -x .venv/bin/python ] || uv venv --quiet --python "$python" .venv || return 1
    uv pip install --quiet --python .venv/bin/python "$@" || {
        say "uv did not succeed: trying pip"
        return 1
    }
}

with_pip() {
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        need_ensurepip "$python"
        "$python" -m venv .venv
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}

# uv does it in seconds; where it is missing, or cannot reach the index that pip is set up for, pip does it.
install() { with_uv "$@" || with_pip "$@"; }

if stamped packages "$packages_stamp" && stamped project "$project_stamp"; then
    exit 0
fi
if [ -e .venv ] && ! good_python .venv/bin/python; then
    rm -rf .venv # made by a Python that is gone or too old, or moved here from elsewhere
fi
python="$(find_python)"
if ! stamped packages "$packages_stamp"; then
    say "Installing Python packages into .venv (the first time: up to two minutes)"
    rm -f .venv/stamp-packages .venv/stamp-project
    install --require-hashes -r requirements.lock
    printf '%s\n' "$packages_stamp" >.venv/stamp-packages
fi
install --no-deps --no-build-isolation -e .
printf '%s\n' "$project_stamp" >.venv/stamp-project
say "Installed: $(.venv/bin/python --version), $(pwd)/.venv"
