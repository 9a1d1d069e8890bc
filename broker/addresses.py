"""Which addresses may be asked on behalf of a client: public ones, so that none sees into this broker's own network."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = ip_network("64:ff9b::/96")


class Refused(Exception):
    """The host may not be asked, or cannot be found; the text says why."""


def is_public(address: str) -> bool:
    """Whether an address is somebody's on the Internet: `93.184.216.34` is, `10.0.0.1` and `::1` are not.

    Addresses that carry another one (IPv4-mapped, 6to4, Teredo, NAT64) count as the one they carry.
    """
    found = ip_address(address.partition("%")[0])
    carried = _carried(found) if isinstance(found, IPv6Address) else None
    return all(one.is_global and not one.is_multicast for one in (found, carried) if one is not None)


def pinned_address(host: str, port: int, timeout_s: float, *, allow_private: bool) -> str:
    """The first of `pinned_addresses`. Raises Refused as it does."""
    return pinned_addresses(host, port, timeout_s, allow_private=allow_private)[0]


def pinned_addresses(host: str, port: int, timeout_s: float, *, allow_private: bool) -> list[str]:
    """The addresses to connect to, looked up once, so that a second answer of the name server changes nothing.

    Raises Refused where the host is unknown, or any of its addresses is not public.
    """
    try:
        found = _lookups().submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(timeout_s)
    except FutureTimeout:
        raise Refused(f"the name server gave no address for {host} within {timeout_s:.1f} s") from None
    except (OSError, UnicodeError) as error:
        raise Refused(f"the host {host} is unknown ({error})") from error
    addresses = [str(entry[4][0]) for entry in found]
    hidden = [address for address in addresses if not (allow_private or is_public(address))]
    if hidden:
        raise Refused(f"{host} has the address {hidden[0]}, which is private; misono serve --allow-private permits it")
    return list(dict.fromkeys(addresses))


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


@cache
def _lookups() -> ThreadPoolExecutor:
    """A look-up cannot be interrupted: it goes on here while its caller has given up."""
    return ThreadPoolExecutor(4, thread_name_prefix="context-lookup")
