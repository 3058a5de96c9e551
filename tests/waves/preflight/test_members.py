"""Members are counted by the shape of their texts. [X-6]"""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.contacts.phones import one_phone
from tests.support.waves import NOW, campaign_with, person, request
from waves.messages.sms_segments import segments
from waves.models import Member
from waves.preflight.members import _SCHEMA, facts_of, member_facts
from waves.preparation.prepare import prepare

PHONES = ("", "+12065550100", "+14165550123", "+447911123456", "+4915112345678", "+999")
TEXT = "Your code for the presale is {}. " * 5


def frames(rows: list[tuple[str, str, str, bool]], at_once: int) -> list[pl.DataFrame]:
    table = [
        ("west", "", fan, code, phone, "t" if email else "f", number)
        for number, (fan, code, phone, email) in enumerate(rows)
    ]
    frame = pl.DataFrame(table, schema=_SCHEMA, orient="row")
    return list(frame.iter_slices(at_once))


row = st.tuples(
    st.text("ab~é", max_size=9),
    st.sampled_from(["CODE234567", "LONGCODE2345678", "€UROCODE23", "ÇODE234567", "TM", ""]),
    st.sampled_from(PHONES),
    st.booleans(),
)


@given(st.lists(row, max_size=40), st.integers(1, 7), st.booleans())
def test_x6_segments_and_countries_are_those_of_every_single_member(rows, at_once, only_instead):
    found = facts_of(
        frames(rows, at_once), every=3, links=True, emails_without_phone_only=only_instead
    )
    counted = Counter()
    for group in found.groups.values():
        held = segments(TEXT.format(*[group.code] * 5))
        for region, count in group.sms.items():
            counted[held.count, held.forced_by, region] += count
    expected = Counter()
    for _, code, phone, _ in rows:
        if phone:
            held = segments(TEXT.format(*[code] * 5))
            expected[held.count, held.forced_by, one_phone(phone, "US")[1] or ""] += 1
    assert counted == expected
    assert found.emails == sum(email and not (only_instead and phone) for *_, phone, email in rows)
    assert list(found.samples) == list(range(len(rows)))[::3][:20]


@pytest.mark.django_db
def test_x6_the_members_of_a_wave_are_read():
    wave = prepare(request(campaign_with(30)), by=person("ann"), now=NOW).wave
    Member.objects.filter(pk=Member.objects.filter(wave=wave).first().pk).update(phone="")
    found = member_facts(wave, links=False, emails_without_phone_only=False)
    assert (found.sms, found.emails, len(found.groups)) == (9, 10, 2)
    assert {group.sms.get("US") for group in found.groups.values()} == {4, 5}
