"""A rare domain with many fans. [X-13]"""

from __future__ import annotations

import numpy as np
import polars as pl

from campaigns.fairness.suspicious.domains import rare_domains
from campaigns.fairness.suspicious.groups import Group
from campaigns.fairness.suspicious.traits import CONTACTS, joined, traits_of

HOUR = 3_600_000_000


def found_in(sizes: dict[str, int], moments: dict[str, int] | None = None) -> list[Group]:
    """Fans by domain. They register over 100 hours, those of `moments` within so many µs."""
    rng = np.random.default_rng(1)
    domains = [name for name, fans in sizes.items() for _ in range(fans)]
    within = [(moments or {}).get(name, 100 * HOUR) for name in domains]
    fans = {
        "line": range(2, len(domains) + 2),
        "email": [f"fan{at}@{name}" for at, name in enumerate(domains)],
        "phone": "",
        "registered_us": [
            int(share * length)
            for share, length in zip(rng.random(len(domains)), within, strict=True)
        ],
    }
    traits = joined([traits_of(pl.DataFrame(fans, schema=CONTACTS))])
    return rare_domains(traits.mail, traits.times, traits.domains)


# as sizes fall: like a power of two
OWN = {f"own{place}.example": int(40 / place**0.5) for place in range(1, 500)}


def test_x13_a_domain_that_stands_out_by_far_is_a_group():
    (group,) = found_in(OWN | {"seats.example": 9_000})
    assert (group.size, group.about) == (9_000, {"domain": "seats.example"})
    assert group.expected < 10


def test_x13_several_that_stand_out_together_are_found():
    more = {f"seats{place}.example": 300 + place for place in range(5)}
    assert {group.about["domain"] for group in found_in(OWN | more)} == set(more)


def test_x13_sizes_that_fall_as_others_do_are_no_group():
    assert found_in(OWN) == []
    assert found_in({f"own{place}.example": 25 for place in range(40)}) == []


def test_x13_providers_are_no_group():
    assert found_in(OWN | {"gmail.com": 5_000, "yahoo.co.uk": 2_000, "t-online.de": 1_000}) == []


def test_x13_a_domain_whose_fans_came_in_a_moment_is_a_group():
    (group,) = found_in(OWN | {"inbox.example": 30}, {"inbox.example": HOUR})
    assert group.about["domain"] == "inbox.example"
    assert 600 < int(group.about["half_within_seconds"]) < 3_600


def test_x13_a_domain_of_fewer_than_twenty_fans_is_not_named():
    assert found_in({"seats.example": 19, "own.example": 1}, {"seats.example": 1}) == []
