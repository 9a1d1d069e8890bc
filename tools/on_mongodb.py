"""A command with a server of MongoDB's protocol of its own beside it, empty and in memory: for the conformance suite.

python -m tools.on_mongodb COMMAND WORD...      MISONO_STORE says where the server is; it ends with the command
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.engines.wires.running import start_java, stop


def main(words: list[str]) -> int:
    """Run the command until it ends or is ended; gives its exit code."""
    server, address = start_java()
    command = subprocess.Popen(words, env={**os.environ, "MISONO_STORE": f"mongodb://{address}/etsi"})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: command.terminate())
    try:
        return command.wait()
    finally:
        stop(server)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
