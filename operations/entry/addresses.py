"""Which address a request came from, also behind proxies. Pure. [O-7]

A proxy appends the address that it sees to `X-Forwarded-For`. What stands further left was written
by whoever sent the request, so it is read from the right, for as long as a trusted proxy says it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
UNKNOWN: Final = "unknown"
MOST_PROXIES: Final = 20  # of one request that are read
IPV6_PREFIX: Final = 64  # one customer has as many addresses as that leaves
WITH_PORT: Final = re.compile(r"\[(?P<v6>[^\]]*)\](?::\d{1,5})?|(?P<v4>[\d.]+):\d{1,5}", re.ASCII)


def client_of(peer: str, forwarded: str, trusted: Collection[Network]) -> Address | None:
    """The rightmost address that is not a trusted proxy's: `peer` is who is connected, `forwarded`
    the header's text. None where the peer has no address. What cannot be read ends the search: the
    proxy that passed it on then stands for its client.
    """
    found = parsed(peer)
    written = [part for part in forwarded.rsplit(",", MOST_PROXIES)[-MOST_PROXIES:] if part.strip()]
    for part in reversed(written):
        if found is None or not is_trusted(found, trusted):
            break
        if (said := parsed(part)) is None:
            break
        found = said
    return found


def parsed(text: str) -> Address | None:
    """An address, with or without a port; None if it is not one. An IPv4 address written as IPv6 is
    the same address.
    """
    bare = text.strip()
    if match := WITH_PORT.fullmatch(bare):
        bare = match["v6"] or match["v4"] or ""
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def is_trusted(address: Address, trusted: Collection[Network]) -> bool:
    return any(address in network for network in trusted)


def counted_as(address: Address | None) -> str:
    """The text under which a client's requests are counted: IPv6 by its /64."""
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)
