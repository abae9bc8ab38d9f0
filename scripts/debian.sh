#!/bin/sh
# debian.sh WHO PACKAGE...: installs Debian packages when we are root, else names them for WHO and fails.
set -eu
who="$1"
shift
[ $# -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    printf 'The %s need these programs, which only root can install: %s\n' "$who" "$*" >&2
    printf 'Debian, Ubuntu: sudo apt-get install %s\n' "$*" >&2
    exit 1
fi

# They start these programs themselves, each on ports of its own: their services must not start.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
printf 'Installing from Debian: %s\n' "$*" >&2
apt-get -o DPkg::Lock::Timeout=300 update -qq </dev/null
DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" \
    </dev/null >&2
