"""Many sensors in one process: QoS 1 messages on a plain socket, at a steady rate, each with the time it is sent.

python mqtt_publisher.py PORT RATE SECONDS DEVICES

Message n is of device `n % DEVICES` and measures `t` = n // DEVICES. It says how many seconds it took to send them,
and ends when the server has acknowledged all.
"""

from __future__ import annotations

import asyncio
import sys
import time

KEY = "k7f3-sensors"
_PACKET_IDS = 65_000


def packet(kind: int, body: bytes) -> bytes:
    """A control packet with its length."""
    length, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        length += bytes([digit | 128 if left else digit])
        if not left:
            return bytes([kind]) + length + body


def text(value: str) -> bytes:
    """A text as MQTT has it."""
    return len(value).to_bytes(2, "big") + value.encode()


def message(number: int, devices: int) -> bytes:
    """The PUBLISH of one message."""
    now = time.time_ns() // 1_000_000  # noqa: TID251 - a clock of its own, as a device has
    at = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now // 1000))}.{now % 1000:03}Z"
    topic = text(f"/json/{KEY}/s{number % devices}/attrs")
    payload = f'{{"TimeInstant": "{at}", "t": {number // devices}, "h": {number % 100 / 100}}}'
    return packet(0x32, topic + (number % _PACKET_IDS + 1).to_bytes(2, "big") + payload.encode())


async def publish(port: int, rate: int, seconds: float, devices: int) -> None:
    """Publish at that rate."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(packet(0x10, text("MQTT") + b"\x04\x02\x00\x3c" + text("sensors")))
    await reader.readexactly(4)
    total, sent, began = round(rate * seconds), 0, time.monotonic()
    acknowledged = asyncio.create_task(reader.readexactly(4 * total))
    while sent < total:
        due = min(total, int((time.monotonic() - began) * rate) + 1)
        writer.write(b"".join(message(number, devices) for number in range(sent, due)))
        sent = due
        await writer.drain()
        await asyncio.sleep(0.005)
    print(f"{time.monotonic() - began:.3f}", flush=True)
    await acknowledged
    writer.close()


if __name__ == "__main__":
    asyncio.run(publish(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
