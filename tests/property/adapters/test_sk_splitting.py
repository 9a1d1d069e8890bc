"""Bytes of a Wi-SUN dongle: however they are cut on their way, the same lines and datagrams come out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from adapters.links.b_route.sk import LINE_MAX, Datagram, Line, Splitter

METER, OURS = "FE80:0000:0000:0000:021D:1290:1234:5678", "FE80:0000:0000:0000:021D:1291:0000:0574"
LINES = ("OK", "FAIL ER04", f"EVENT 21 {METER} 00", "EPANDESC", "  Channel:21", METER, "EVER 1.2.10", "SKRESET")
# A frame's first byte is no letter of a hexadecimal number: so plain bytes are told from digits.
payloads = st.binary(min_size=1, max_size=60).map(lambda rest: b"\x10\x81" + rest)


def datagram(payload: bytes, plain: bool, middle: str) -> bytes:
    data = payload if plain else payload.hex().upper().encode()
    head = f"ERXUDP {METER} {OURS} 0E1A 0E1A 001D129012345678 {middle}{len(payload):04X} "
    return head.encode() + data + b"\r\n"


pieces = st.one_of(
    st.sampled_from(LINES).map(lambda line: (line.encode() + b"\r\n", Line(tuple(line.split())))),
    st.tuples(payloads, st.booleans(), st.sampled_from(("1 ", "1 0 ", "7B 1 ", "7B 1 0 "))).map(
        lambda drawn: (datagram(*drawn), Datagram(METER, 3610, drawn[0]))
    ),
)


def fed(data: bytes, cuts: list[int]) -> list[Line | Datagram]:
    splitter, places = Splitter(), [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [one for begin, end in pairwise(places) for one in splitter.feed(data[begin:end])]


@given(st.lists(pieces, max_size=8), st.lists(st.integers(0, 2_000), max_size=12))
def test_the_same_comes_out_however_it_is_cut(drawn: list[tuple[bytes, Line | Datagram]], cuts: list[int]) -> None:
    data = b"".join(piece for piece, _ in drawn)
    assert fed(data, cuts) == [one for _, one in drawn]


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_noise_is_no_fault_and_does_not_pile_up(noise: list[bytes]) -> None:
    splitter = Splitter()
    for one in noise:
        list(splitter.feed(one))
    assert len(splitter._left) <= LINE_MAX
    list(splitter.feed(b"\r\n" + b"x" * LINE_MAX + b"\r\n"))
    assert Line(("OK",)) in list(splitter.feed(b"\r\nOK\r\n"))


def test_a_datagram_that_cannot_be_is_left_out() -> None:
    splitter = Splitter()
    bad = b"ERXUDP FE80 nonsense\r\nERXUDP " + b"1 " * 9 + b"\r\nOK\r\n"
    assert list(splitter.feed(bad)) == [Line(("OK",))]
