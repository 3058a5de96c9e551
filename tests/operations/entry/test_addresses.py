"""Who sent a request is read from the right, as far as trusted proxies say it. [O-7]"""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.entry.addresses import client_of, counted_as

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def client(peer: str, forwarded: str = "") -> str:
    return counted_as(client_of(peer, forwarded, TRUSTED))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, , 198.51.100.1,", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("fd00::1", "198.51.100.1:4711", "198.51.100.1"),
        ("::ffff:10.0.0.1", "[2001:db8:1:2:3::4]:443", "2001:db8:1:2::/64"),
        ("10.0.0.1", "2001:db8:1:2:ffff::9%eth0", "2001:db8:1:2::/64"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", "unknown"),
    ],
)
def test_o7_the_rightmost_address_that_is_not_a_trusted_proxys_is_the_client(
    peer, forwarded, expected
):
    """What a client writes into the header itself changes nothing."""
    assert client(peer, forwarded) == expected


@pytest.mark.parametrize(
    "forwarded", ["unknown", "198.51.100.1, nonsense", "1.2.3.4.5", "[", "_hidden", "-" * 100_000]
)
def test_o7_a_header_that_cannot_be_read_counts_as_the_proxy_that_passed_it_on(forwarded):
    assert client("10.0.0.1", forwarded) == "10.0.0.1"


@given(peer=st.sampled_from(["10.0.0.1", "203.0.113.9", "x"]), forwarded=st.text())
def test_o7_no_header_is_an_error(peer, forwarded):
    assert client(peer, forwarded)
