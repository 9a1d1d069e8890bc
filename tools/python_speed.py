"""How fast this interpreter is: microseconds of a little of what the broker does; exits 1 where it cannot run it.

For `tools/install.sh`, before anything is installed.
"""

import sys
import timeit

RUNS = 200
_WORK = """
made = {}
for number in range(100):
    made[str(number)] = {"type": "Property", "value": [number]}
for name, held in made.items():
    if type(held) is dict and held.get("value") == name:
        break
"""

if (3, 11) <= sys.version_info < (3, 14):
    print(int(min(timeit.repeat(_WORK, number=RUNS, repeat=7)) * 1_000_000))
else:
    sys.exit(1)
