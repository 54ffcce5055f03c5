"""Courier's .dat files: how each spells its keys, and where a long value goes on.

For courier.config only, on databases that _dbm has opened.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any


def lookup(database: Any, key: str) -> bytes | None:
    """Returns the value of a key, or None."""
    value: bytes | None = database.get(key.encode("utf-8", "surrogateescape"))
    return value


def whole_record(database: Any, key: str) -> bytes | None:
    """Returns a value that may be too long for one record: it goes on under the key, LF, and the number of the part."""
    parts: list[bytes] = []
    part = lookup(database, key)
    while part is not None:
        parts.append(part)
        # Hexadecimal digits, the lowest first.
        part = lookup(database, f"{key}\n{f'{len(parts):X}'[::-1]}")
    return b"".join(parts) if parts else None


def smtpaccess_keys(ip: object) -> Iterator[str]:
    """The keys of smtpaccess.dat for an address: itself, then the networks around it; none for what is no address."""
    key = _smtpaccess_key(ip) if isinstance(ip, str) else ""
    separator = ":" if ":" in key else "."
    while key:
        yield key
        key = key.rpartition(separator)[0]


def _smtpaccess_key(ip: str) -> str:
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        # The first numbers of an IPv4 address are good enough: that is what most entries are.
        return ip if "." in ip and not set(ip) - set("0123456789.") else ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped) if address.ipv4_mapped else ":" + address.exploded
