#!/bin/sh
# The programs that the proofs drive beside Python: installed from Debian when we are root, else named.
set -eu
PATH="$PATH:/usr/sbin:/sbin"
missing=""

need() { # a program and its Debian package
    command -v "$1" >/dev/null || case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}

need mosquitto mosquitto
need strace strace
need linux.uml user-mode-linux
need mkfs.ext4 e2fsprogs
need debugfs e2fsprogs
need nginx nginx-light
need slowhttptest slowhttptest
need openssl openssl
need faketime faketime
# shellcheck disable=SC2086 # a list of words
exec sh "$(dirname "$0")/debian.sh" proofs $missing
