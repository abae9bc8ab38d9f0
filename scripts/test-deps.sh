#!/bin/sh
# The programs that the tests drive beside Python: installed from Debian when we are root, else named.
set -eu
PATH="$PATH:/usr/sbin:/sbin" # mosquitto lives there, and a normal user's PATH leaves them out
missing=""

need() { # a program and its Debian package
    command -v "$1" >/dev/null || case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}

need chromium chromium
need mosquitto mosquitto
need mosquitto_pub mosquitto-clients
need prometheus prometheus
need promtool prometheus
need strace strace
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    printf 'The tests need these programs, which only root can install:%s\n' "$missing" >&2
    printf 'Debian, Ubuntu: sudo apt-get install%s\n' "$missing" >&2
    exit 1
fi

# The tests start these programs themselves, each on ports of its own: their services must not start.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
printf 'Installing from Debian:%s\n' "$missing" >&2
apt-get -o DPkg::Lock::Timeout=300 update -qq </dev/null
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $missing \
    </dev/null >&2
