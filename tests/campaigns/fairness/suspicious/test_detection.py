"""What a machine adds to honest fans is found, and honest fans are left alone. [X-13]"""

from __future__ import annotations

import polars as pl
import pytest

from campaigns.fairness.suspicious.detection import suspicious_groups
from campaigns.fairness.suspicious.groups import Group
from campaigns.fairness.suspicious.traits import CONTACTS, joined, traits_of
from tests.campaigns.fairness.suspicious.crowds import honest, with_machines


def found_in(fans: pl.DataFrame) -> list[Group]:
    return suspicious_groups(joined([traits_of(fans)]))


def test_x13_twenty_groups_among_a_hundred_thousand_fans_are_found_and_one_honest_one_at_most():
    fans, planted = with_machines(honest(100_000))
    groups = found_in(fans)
    lines = [set(group.lines.tolist()) for group in groups]
    found_as = [
        [at for at, group in enumerate(groups) if group.kind == one.kind and one.lines <= lines[at]]
        for one in planted
    ]
    assert [one for one, places in zip(planted, found_as, strict=True) if len(places) != 1] == []
    assert len(planted) == 20
    assert len(groups) <= len({place for (place,) in found_as}) + 1


@pytest.mark.full
def test_x13_of_forty_crowds_of_honest_fans_none_has_a_suspicious_group():
    named = {seed: found_in(honest(100_000, seed)) for seed in range(40)}
    assert {seed: groups for seed, groups in named.items() if groups} == {}


def test_x13_the_same_fans_in_another_order_and_in_parts_have_the_same_groups_in_the_same_order():
    fans, _ = with_machines(honest(3_000))
    shuffled = fans.sample(fraction=1, shuffle=True, seed=3)
    parts = joined(traits_of(part) for part in shuffled.iter_slices(1_000))

    def plain(groups: list[Group]) -> list[object]:
        return [(one.kind, one.lines.tolist(), round(one.log_p, 6), one.about) for one in groups]

    assert plain(suspicious_groups(parts)) == plain(found_in(fans)) != []


def test_x13_a_file_without_fans_has_no_groups():
    assert found_in(pl.DataFrame(schema=CONTACTS)) == []
    assert suspicious_groups(joined([])) == []


def test_x13_a_handful_of_fans_is_no_group():
    fans = pl.DataFrame(
        {
            "line": range(2, 9),
            "email": [f"ticketfan{number}@own.example" for number in range(7)],
            "phone": [f"+1206555010{number}" for number in range(7)],
            "registered_us": [1_767_261_600_000_000] * 7,
        },
        schema=CONTACTS,
    )
    assert found_in(fans) == []
