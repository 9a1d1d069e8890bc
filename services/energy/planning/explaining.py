"""Why a plan does what it does, for the people of the house: one text for slots on end that have the same reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from broker.model.values import Instant, Json, to_text
from services.energy.planning.houses import House, Outlook, Plan, Step

TEXTS: Final = {
    "sun": (
        "太陽光の余り {wh} kWh を蓄電池にためます。夕方からの電気になります。",
        "The battery takes what the sun gives beyond what the house uses ({wh} kWh), for the evening.",
    ),
    "cheap": (
        "いま {wh} kWh 充電します。この時間は {price} 円/kWh で、あとでは最高 {dearest} 円/kWh になります。",
        "The battery charges now ({wh} kWh): a kWh costs {price} JPY here, and up to {dearest} JPY later.",
    ),
    "warning": (
        "警報が出ているため、停電に備えて {reserve} kWh まで、{wh} kWh を充電します。",
        "A warning holds: the battery charges ({wh} kWh) so that {reserve} kWh are there for an outage.",
    ),
    "filling": (
        "備えを優先して、蓄電池をいっぱいにします。{wh} kWh を充電します。",
        "The house asked for a full battery: it charges ({wh} kWh).",
    ),
    "dear": (
        "ためた電気を {out} kWh 使います。買うと {price} 円/kWh かかる時間です。",
        "The house uses what it stored ({out} kWh): to buy would cost {price} JPY a kWh now.",
    ),
    "own": (
        "ためた電気を {out} kWh 使います。つくった電気を家で使いきるためです。",
        "The house uses what it stored ({out} kWh), so that its own energy stays in it.",
    ),
    "car": (
        "車に {car} kWh 充電します。{leaves} の出発までで、いちばん有利な時間です。",
        "The car charges ({car} kWh): these are the best hours before it leaves at {leaves}.",
    ),
    "rest": ("蓄電池は休みます。", "The battery rests."),
}  # fmt: skip


def reasons_of(house: House, outlook: Sequence[Outlook], plan: Plan, place: int) -> tuple[str, ...]:
    """The words of TEXTS for one slot: of the battery, and of the car where it charges."""
    step, slot = plan.steps[place], outlook[place]
    found = [_battery(house, slot, plan, step)]
    if step.car:
        found = [*([] if found == ["rest"] else found), "car"]
    return tuple(found)


def explained(house: House, outlook: Sequence[Outlook], plan: Plan, zone: ZoneInfo, length: Instant) -> list[Json]:
    """`[{"from": …, "until": …, "reasons": ["cheap"], "ja": …, "en": …}]`, in the order of time."""
    found: list[Json] = []
    begun = 0
    words = [reasons_of(house, outlook, plan, place) for place in range(len(plan.steps))]
    for place in range(1, len(words) + 1):
        if place < len(words) and words[place] == words[begun]:
            continue
        numbers = _numbers(outlook, plan, (begun, place)) | {"leaves": _leaves(house, outlook, zone, length)}
        ja, en = (" ".join(TEXTS[word][language].format(**numbers) for word in words[begun]) for language in (0, 1))
        until = outlook[place - 1].start + length
        found.append({
            "from": to_text(outlook[begun].start), "until": to_text(until), "reasons": [*words[begun]], "ja": ja,
            "en": en,
        })  # fmt: skip
        begun = place
    return found


def _battery(house: House, slot: Outlook, plan: Plan, step: Step) -> str:
    if step.discharged:
        return "own" if plan.goal == "selfConsumption" else "dear"
    if not step.charged or house.battery is None:
        return "rest"
    if step.charged <= max(slot.pv - slot.load, 0):
        return "sun"
    if plan.goal == "reserve":
        return "filling"
    return "warning" if slot.reserve else "cheap"


def _numbers(outlook: Sequence[Outlook], plan: Plan, span: tuple[int, int]) -> dict[str, str]:
    begun, ended = span
    steps, slots = plan.steps[begun:ended], outlook[begun:ended]
    later = outlook[ended:] or slots
    return {
        "wh": _kilo(sum(one.charged for one in steps)), "out": _kilo(sum(one.discharged for one in steps)),
        "car": _kilo(sum(one.car for one in steps)), "price": _kilo(min(one.buy for one in slots), 1),
        "dearest": _kilo(max(one.buy for one in later), 1), "reserve": _kilo(max(one.reserve for one in slots)),
    }  # fmt: skip


def _leaves(house: House, outlook: Sequence[Outlook], zone: ZoneInfo, length: Instant) -> str:
    if house.car is None or not outlook:
        return ""
    leaves = house.car.leaves
    at = outlook[leaves].start if leaves < len(outlook) else outlook[-1].start + length
    return datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone).strftime("%H:%M")


def _kilo(amount: int, digits: int = 2) -> str:
    return f"{amount / 1_000:.{digits}f}"
