#!/bin/sh
# The programs that the tests drive beside Python: installed from Debian when we are root, else named.
set -eu
PATH="$PATH:/usr/sbin:/sbin" # mosquitto lives there, and a normal user's PATH leaves them out
missing=""

need() { # a program and its Debian package
    command -v "$1" >/dev/null || case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}

need chromium chromium
need curl curl
need jq jq
need mosquitto mosquitto
need mosquitto_pub mosquitto-clients
need openssl openssl
need prometheus prometheus
need promtool prometheus
need strace strace
need faketime faketime
need nginx nginx-light
need slowhttptest slowhttptest
need openssl openssl
# The rules are compiled, and what was compiled is tested.
need "${CC:-cc}" gcc
printf '#include <stdio.h>\n' | "${CC:-cc}" -E - >/dev/null 2>&1 || missing="$missing libc6-dev"
.venv/bin/python -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null ||
    missing="$missing python3-dev"
# shellcheck disable=SC2086 # a list of words
exec sh "$(dirname "$0")/debian.sh" tests $missing
