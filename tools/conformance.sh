#!/bin/sh
# The ETSI conformance suite against this checkout, two brokers side by side; writes docs/conformance.md.
#   tools/conformance.sh               the folders whose resources this release serves (1,235 tests, minutes)
#   AREA=history tools/conformance.sh  those of one area
#   tools/conformance.sh PART...       only files whose path holds PART; prints what failed and writes no page
# ETSI_SRC: a checkout of the public suite (cloned to var/etsi where it is not set); JOBS: brokers at a time (2);
# HARNESS: the runner's folder; MISONO_STORE: another engine.
set -eu
cd "$(dirname "$0")/.."
HARNESS=${HARNESS:-../shared/conformance}
OUT=var/conformance
[ -x "$HARNESS/run.sh" ] || { echo "no conformance runner at $HARNESS: set HARNESS" >&2; exit 2; }
if [ -z "${ETSI_SRC:-}" ]; then
  ETSI_SRC=$PWD/var/etsi/source
  [ -d "$ETSI_SRC/TP" ] || git clone --quiet https://github.com/marek-mraz/ngsi-ld-test-suite "$ETSI_SRC"
fi
export ETSI_SRC ETSI_WORK="${ETSI_WORK:-$PWD/var/etsi/work}" MISONO_ROOT="$PWD"

# shellcheck disable=SC2046  # one word a folder
if [ $# -gt 0 ]; then set -- "$@"; page=""; else set -- $(.venv/bin/python -m tools.conformance folders ${AREA:-}); page=--page; fi
rm -rf "$OUT"
"$HARNESS/run.sh" --start "$HARNESS/start-misono.sh" -j "${JOBS:-2}" -o "$OUT" "$@"
exec .venv/bin/python -m tools.conformance report "$OUT" $page
