"""What a station says that nobody foresaw, and what fails here: its connection lives, and it is answered."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.charging import NOW, V201, CentralSystem, run, start, station


def test_a_register_beyond_all_measure_is_answered(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system, version=V201) as charger:
            measured = [
                {"value": 10**30, "measurand": name}
                for name in ("Energy.Active.Import.Register", "Power.Active.Import", "SoC")
            ]
            began = [{**one, "context": "Transaction.Begin"} for one in measured]
            event = {"eventType": "Started", "timestamp": NOW, "triggerReason": "Authorized", "seqNo": 0,
                     "transactionInfo": {"transactionId": "t1"}, "evse": {"id": 1},
                     "meterValue": [{"timestamp": NOW, "sampledValue": began}]}  # fmt: skip
            assert await charger.call("TransactionEvent", event) == {}
            assert await charger.call("TransactionEvent", event | {"seqNo": 1}) == {}, "what is kept can be read"
        assert system.frames[-1].about["begin_wh"] == "1e+30"

    run(tmp_path, scenario)


def test_a_fault_of_ours_is_an_answer_and_the_connection_lives(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            system.fault = RuntimeError("a fault of ours")
            code, *_ = await charger.call("StartTransaction", start())
            assert code == "InternalError"
            system.fault = None
            assert (await charger.call("StartTransaction", start()))["transactionId"] == 1

    run(tmp_path, scenario)
