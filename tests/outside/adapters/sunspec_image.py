"""What lies in the registers of SunSpec devices, laid out by pysunspec2."""

from __future__ import annotations

import struct
from typing import Any

from sunspec2.device import Model

from adapters.codecs.sunspec_models import spot_of

COMMON = {"Mn": "Misono Works", "Md": "Hybrid 5", "Vr": "1.2", "SN": "H5-000123", "DA": 1}


def hybrid() -> list[tuple[int, dict[str, Any]]]:
    """A hybrid inverter with a battery: it charges at 1,200 W of the 3,900 W that the sun gives."""
    return [
        (1, COMMON),
        (103, {"A": 117, "AphA": 39, "AphB": 39, "AphC": 39, "A_SF": -1, "PhVphA": 2011, "PhVphB": 2012,
               "PhVphC": 2013, "V_SF": -1, "W": 2700, "W_SF": 0, "Hz": 5002, "Hz_SF": -2, "WH": 123456, "WH_SF": 1,
               "DCW": 3900, "DCW_SF": 0, "TmpCab": 412, "Tmp_SF": -1, "St": 4, "Evt1": 0, "Evt2": 0}),
        (203, {"A": 63, "A_SF": -1, "W": -1850, "W_SF": 0, "Hz": 5002, "Hz_SF": -2, "PhV": 2012, "V_SF": -1,
               "PF": -99, "PF_SF": -2, "TotWhExp": 708119, "TotWhImp": 510085, "TotWh_SF": 0, "TotVAhExp": 700,
               "TotVAh_SF": 3, "Evt": 0}),
        (701, {"ACType": 2, "St": 1, "InvSt": 3, "ConnSt": 1, "Alrm": 1 << 7, "DERMode": 1, "W": -120, "W_SF": 1,
               "VA": 121, "VA_SF": 1, "Hz": 5002, "Hz_SF": -2, "LNV": 2012, "V_SF": -1, "TotWhInj": 9_876_543_210,
               "TotWhAbs": 1_234_567, "TotWh_SF": 0}),
        (702, {"WMaxRtg": 500, "WMax": 480, "WChaRteMaxRtg": 300, "WDisChaRteMaxRtg": 500, "W_SF": 1}),
        (704, {"WSetEna": 0, "WSetMod": 0, "WSet": 0, "WSetEnaRvrt": 1, "WSetRvrtTms": 0, "WSetRvrtRem": 0,
               "WSet_SF": 0, "WMaxLimPctEna": 0, "WMaxLimPct": 1000, "WMaxLimPctRvrtTms": 0, "WMaxLimPct_SF": -1,
               "WMaxLimPctEnaRvrt": 0}),
        (713, {"WHRtg": 1200, "WHAvail": 660, "SoC": 550, "SoH": 980, "Sta": 0, "WH_SF": 1, "Pct_SF": -1}),
        (714, {"PrtAlrms": 0, "NPrt": 2, "DCW": 2700, "DCW_SF": 0, "DCA": 80, "DCA_SF": -1, "DCV_SF": 0,
               "DCWH_SF": 0, "Tmp_SF": 0, "Prt": [
                   {"PrtTyp": 0, "ID": 1, "IDStr": "roof", "DCA": 98, "DCV": 398, "DCW": 3900, "DCWhInj": 208_855},
                   {"PrtTyp": 1, "ID": 2, "IDStr": "battery", "DCA": -30, "DCV": 400, "DCW": -1200, "DCSta": 1}]}),
        (802, {"AHRtg": 240, "AHRtg_SF": 0, "WHRtg": 1200, "WHRtg_SF": 1, "SoC": 55, "SoC_SF": 0, "SoH": 98,
               "SoH_SF": 0, "ChaSt": 4, "State": 3, "Typ": 4, "V": 400, "V_SF": 0, "A": -30, "A_SF": -1, "W": -1200,
               "W_SF": 0, "WChaRteMax": 3000, "WDisChaRteMax": 5000, "WChaDisChaMax_SF": 0, "Evt1": 0, "Evt2": 0}),
        (64_999, {}),
    ]  # fmt: skip


def image(models: list[tuple[int, dict[str, Any]]]) -> bytes:
    """The registers from `SunS` to the end marker; a number that SunSpec does not have is a vendor's model."""
    laid = b"SunS"
    for number, values in models:
        laid += Model(number, data=values).get_mb() if values else struct.pack(">HHHH", number, 2, 0xAAAA, 0xBBBB)
    return laid + struct.pack(">HH", 0xFFFF, 0)


def registers(data: bytes, start: int) -> dict[int, int]:
    """Register by register, from an address."""
    return dict(enumerate(struct.unpack(f">{len(data) // 2}H", data), start))


def place_of(data: bytes, model: int, point: str) -> int:
    """Where a point is, in registers from the beginning of an image."""
    place = 2
    while (number := struct.unpack_from(">H", data, 2 * place)[0]) != model:
        assert number != 0xFFFF, f"no model {model}"
        place += 2 + int(struct.unpack_from(">H", data, 2 * place + 2)[0])
    return place + spot_of(model, point).offset
