"""A process that books is killed (SIGKILL): what it was told is booked is there, and the books hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

from broker.keeping import KeptFile
from services.ledger.book import Ledger
from tests.fakes.clock import FakeClock

BOOKER = """
import sys, itertools
from pathlib import Path
from broker.keeping import KeptFile
from services.ledger.book import Ledger, Opening
from services.ledger.postings import Leg, Posting
from tests.fakes.clock import FakeClock
path, turn = Path(sys.argv[1]), sys.argv[2]
numbers = itertools.count(1)
ledger = Ledger(KeptFile(path, "services"), FakeClock(), lambda: f"{turn}{next(numbers):031x}")
city = ledger.open("", Opening("urn:misono:issuer", "issuerAccount", "POINT", None)).id
hana = ledger.open("", Opening("urn:misono:subject:hana", "residentAccount", "POINT")).id
for number in range(10_000):
    ledger.post("", Posting(f"{turn}-{number}", "issuance", (Leg(city, "POINT", -1), Leg(hana, "POINT", 1))))
    print(number, flush=True)
"""
BOOKED_S = 0.4
START_S_MAX = 30


def test_nothing_acknowledged_is_lost_and_nothing_is_half(tmp_path: Path) -> None:
    path, told = tmp_path / "services.sqlite", 0
    for turn in range(2):
        output = tmp_path / f"told-{turn}"
        with output.open("wb") as out:
            booking = subprocess.Popen([sys.executable, "-c", BOOKER, str(path), str(turn)], stdout=out)
            end = monotonic() + START_S_MAX
            while not output.read_bytes() and monotonic() < end and booking.poll() is None:
                sleep(0.02)
            sleep(BOOKED_S)
            booking.kill()
            booking.wait()
        whole = output.read_text().rpartition("\n")[0].splitlines()
        assert whole, "it booked something before it was killed"
        told += int(whole[-1]) + 1
    file = KeptFile(path, "services")
    ledger = Ledger(file, FakeClock(), lambda: "0")
    booked = ledger.verify()
    (hana,) = ledger.accounts_of("", "urn:misono:subject:hana")
    file.close()
    assert told <= booked <= told + 2, "one at most of each process was booked and not yet told"
    assert hana.balance == booked
