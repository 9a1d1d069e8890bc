#!/bin/sh
# The ETSI conformance suite against this checkout, several runs side by side; writes docs/conformance.md.
#   tools/conformance.sh                  everything (1,779 tests, some ten minutes)
#   AREA=federation tools/conformance.sh  the folders of one area; tests between brokers start five, on ports 9090-9094,
#                                         each with a public URL and an alias of its own, in a network of the run's own
#   STORE=mongodb tools/conformance.sh    on the MongoDB engine, each broker beside a server of its own (make conformance has it)
#   tools/conformance.sh PART...          only files whose path holds PART; prints what failed and writes no page
# ETSI_SRC: a checkout of the public suite (cloned to var/etsi where it is not set); JOBS: runs at a time (4: most of
# their time is the tests' own waiting); HARNESS: the runner's folder; OUT: results.
set -eu
cd "$(dirname "$0")/.."
HARNESS=${HARNESS:-../shared/conformance}
HARNESS=$(cd "$HARNESS" 2>/dev/null && pwd || echo "$HARNESS")
STORE=${STORE:-}
OUT=${OUT:-var/conformance${STORE:+-$STORE}}
START=$HARNESS/start-misono.sh
case $STORE in
  "") ;;
  mongodb) START="env PYTHONPATH=$PWD $PWD/.venv/bin/python -m tools.on_mongodb $START" ;;
  *) echo "STORE is mongodb or nothing" >&2; exit 2 ;;
esac
[ -x "$HARNESS/run.sh" ] || { echo "no conformance runner at $HARNESS: set HARNESS" >&2; exit 2; }
if [ -z "${ETSI_SRC:-}" ]; then
  ETSI_SRC=$PWD/var/etsi/source
  [ -d "$ETSI_SRC/TP" ] || git clone --quiet https://github.com/marek-mraz/ngsi-ld-test-suite "$ETSI_SRC"
fi
export ETSI_SRC ETSI_WORK="${ETSI_WORK:-$PWD/var/etsi/work}" MISONO_ROOT="$PWD"

# shellcheck disable=SC2046  # one word a folder
if [ $# -gt 0 ]; then set -- "$@"; page=""; else set -- $(.venv/bin/python -m tools.conformance folders ${AREA:-}); page=--page; fi
rm -rf "$OUT"
"$HARNESS/run.sh" --start "$START" -j "${JOBS:-4}" -o "$OUT" "$@"
exec .venv/bin/python -m tools.conformance report "$OUT" $page ${STORE:+--on "$STORE"}
