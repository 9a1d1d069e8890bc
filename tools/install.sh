#!/bin/sh
# Sets up this checkout on a machine that has Python (3.11 to 3.13) and make; asks the network only for what is missing.
#   tools/install.sh              .venv/ with what the broker needs to run, exactly as uv.lock says
#   tools/install.sh test         ... and what tests and checks need
#   tools/install.sh packages X…  Debian packages X… (names of commands they bring: strace, go) where they are missing
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
UV_VERSION=0.13.9

apt() { # apt PACKAGE…: with the rights we have; says so where there are none
  if [ "$(id -u)" = 0 ]; then as_root=""; elif sudo -n true 2>/dev/null; then as_root="sudo"; else as_root="none"; fi
  if [ "$as_root" = none ] || ! command -v apt-get >/dev/null; then
    echo "missing: $*; as root: apt-get install $*" >&2
    return 1
  fi
  $as_root apt-get update -q >&2
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

with_uv() { # the uv on the path where there is one, else our own in var/uv
  if [ -x var/uv/bin/uv ]; then var/uv/bin/uv "$@"
  elif command -v uv >/dev/null; then uv "$@"
  else
    mkdir -p var
    "$PYTHON" -c 'import ensurepip' 2>/dev/null || apt python3-venv
    "$PYTHON" -m venv var/uv
    var/uv/bin/python -m pip install -q --disable-pip-version-check "uv==$UV_VERSION"
    var/uv/bin/uv "$@"
  fi
}

if [ "${1:-}" = packages ]; then
  shift
  missing=""
  for command in "$@"; do command -v "$command" >/dev/null || missing="$missing $command"; done
  # shellcheck disable=SC2086  # one word a package
  [ -z "$missing" ] || apt $missing || true
  exit 0
fi

if [ "${1:-}" = test ]; then groups=""; else groups="--no-default-groups --inexact"; fi
# The environment that is there stays: brokers may be running in it.
if [ -x .venv/bin/python ]; then python=""; else python="--python $(command -v "$PYTHON")"; fi
# shellcheck disable=SC2086  # one word an option
with_uv sync --locked --quiet --python-preference only-system $python $groups
