"""A fan is found by what names them, also in rows that were rejected. [X-1]"""

from __future__ import annotations

import pytest
from django.db import connection

from campaigns.models import Registrant
from console.fans import facts, search
from console.fans.search import Found
from console.fans.terms import term_of
from tests.console.fans.fan_cases import reject, rejected_row
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    process_scores,
    registration_row,
    score_file_bytes,
    score_row,
)
from tests.support.sending import triggered_wave
from tests.support.waves import NOW, campaign_with, person, request
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db
SPELLINGS = ("fan-7", "FAN7@Mail.example ", "+1 206-555-0007", "206.555.0007", "member-7")


def found(typed, campaign=None) -> Found:
    return search.find(term_of(typed, ["US"]), campaign)


@pytest.mark.parametrize("typed", SPELLINGS)
def test_a_rejected_row_of_a_score_file_is_found_by_each_of_its_fields(typed):
    campaign = campaign_with(2)
    row = rejected_row(campaign)
    (fan,) = found(typed, campaign).fans
    assert (fan.fan, fan.rejected_rows, fan.registrant) == ("fan-7", [row], None)
    assert found("fan-000001", campaign).fans[0].scores[0].line == 3


@pytest.mark.parametrize("typed", SPELLINGS)
def test_a_rejected_registration_is_found_by_each_of_its_fields_in_all_campaigns(typed):
    make_campaign()
    reject(make_campaign(), '"fan-7",member-7, Fan7@mail.example,(206) 555-0007,nowhere', "fan-7")
    (fan,) = found(typed).fans
    assert (fan.fan, fan.rejected_registrations[0].line) == ("fan-7", 3)


@pytest.mark.parametrize("before", ["", "x" * 700 + "\t"])
def test_s2_a_rejected_fan_is_found_by_id_whatever_is_around_it_in_the_line(before):
    """Ids are trimmed of all white space, and may come late in a long line."""
    campaign = campaign_with(2)
    raw = before + "\u3000 fan-7\u00a0 \tm"
    reject(campaign, raw, "fan-7")
    row = rejected_row(campaign, raw)
    for where in (campaign, None):
        (fan,) = found("fan-7", where).fans
        assert fan.rejected_rows == [row]
        assert [one.line for one in fan.rejected_registrations] == [3]


SCORES = [  # from line 2 on
    score_row(2, global_user_id="FAN-2", raw_local_fanscore="no"),
    score_row(3, sms="07911 123456", country_code="GB"),
    score_row(4, tmemail="one@x.example; Two@y.example", sms="5550004"),
    score_row(5, raw_local_fanscore="no"),
    score_row(5),
    b"\t".join([*score_file_bytes([score_row(7)]).split(b"\n")[1].split(b"\t"), b"more"]),
    score_row(8, tmemail="Anna@B\u00fccher.Example", member_id="M-8", raw_local_fanscore="2"),
    score_row(9, tmemail="x" * 300, sms="", member_id="m-9"),
]
TYPED = {  # what is typed → the lines that are found
    "fan-2": {2},
    "07911123456": {3},
    "+44 7911 123456": {3},
    "two@Y.example": {4},
    "5550004": {4},
    "FAN-5": {5, 6},
    "fan-7": {7},
    "anna@b\u00fccher.example": {8},
    "m-8": {8},
    "m-9": {9},
}


@pytest.mark.django_db(transaction=True)
def test_rejected_rows_of_a_file_are_found_by_what_was_written_however_it_was_written():
    campaign = make_campaign()
    file = process_scores(campaign, score_file_bytes(SCORES))
    assert file.rejected == len(SCORES)
    rejected = {
        typed: {row.line for row in facts.rejected_rows(term_of(typed, ["US"]), campaign)}
        for typed in TYPED
    }
    assert rejected == TYPED


@pytest.mark.django_db(transaction=True)
def test_rejected_registrations_are_found_however_they_were_written_or_replaced():
    campaign = make_campaign()
    import_registrations(
        campaign,
        [
            registration_row(1, phone="(206) 555-0101", date_created="2026-01-06T10:00:00Z"),
            registration_row(1, date_created="2026-01-07T10:00:00Z"),
            registration_row(2, global_user_id="FAN-2", phone="07911 123456", country_code="GB"),
            b"fan-3,and,no,more",
        ],
    )
    found = {
        typed: {row.line for row in facts.rejected_registrations(term, [campaign.pk])}
        for typed in ("206.555.0101", "Member-1", "fan-2", "07911123456", "fan-3")
        for term in [term_of(typed, ["US"])]
    }
    assert found == {
        "206.555.0101": {2},
        "Member-1": {2},
        "fan-2": {4},
        "07911123456": {4},
        "fan-3": {5},
    }


def test_a_rejected_line_that_names_no_fan_is_shown_by_itself():
    campaign = make_campaign()
    reject(campaign, "broken,fan7@mail.example", reason="malformed_row")
    answer = found("fan7@mail.example")
    assert answer.fans == []
    assert [(one.pk, row.line) for one, row in answer.nameless] == [(campaign.pk, 3)]


@pytest.mark.parametrize("typed", ["fan-000001", "FAN1@example.com", "(206) 555-0001", "m-1"])
def test_a_registration_is_found_in_every_campaign_that_has_it(typed):
    campaigns = {campaign_with(2).pk, campaign_with(2).pk}
    fans = found(typed).fans
    assert {(fan.campaign.pk, fan.fan) for fan in fans} == {(pk, "fan-000001") for pk in campaigns}
    assert all(fan.registrant and not fan.members for fan in fans)


def test_an_unknown_id_is_answered_in_a_chosen_campaign_and_an_unknown_address_is_not_an_id():
    campaign = campaign_with(1)
    assert [fan.fan for fan in found("nobody", campaign).fans] == ["nobody"]
    assert found("nobody").fans == found("no@body.example", campaign).fans == []


def test_a_fan_is_found_by_the_code_that_is_theirs():
    wave = prepare(request(campaign_with(12)), by=person("ann"), now=NOW).wave
    member = wave.members.first()
    assert search.holder_of(member.code.lower()) == (wave.campaign, member.global_user_id)
    assert search.holder_of("NOSUCHCODE") is None
    (fan,) = search.of_holder(wave.campaign, member.global_user_id).fans
    assert fan.members == [member]


def test_a_scored_fan_is_found_by_id_beside_another_whose_member_id_it_is():
    campaign = campaign_with(2)
    Registrant.objects.filter(global_user_id="fan-000001").update(member_id="fan-000000")
    Registrant.objects.filter(global_user_id="fan-000000").delete()
    assert {fan.fan for fan in found("fan-000000", campaign).fans} == {"fan-000000", "fan-000001"}


def test_more_fans_than_a_page_shows_are_said_to_be_more():
    campaign = campaign_with(15)
    Registrant.objects.filter(campaign=campaign).update(phone="+12065550100")
    answer = found("2065550100", campaign)
    assert (len(answer.fans), answer.is_cut) == (search.MOST_FANS, True)


def test_members_are_looked_up_by_the_index_of_live_ones():
    """A table of millions of members is not read through."""
    wave = triggered_wave(2_000)
    with connection.cursor() as cursor:  # few rows, or none counted, are read by any index
        cursor.execute("ANALYZE waves_member")
    plan = search.live_members(term_of("fan-0000001", ["US"]), [wave.campaign_id]).explain()
    assert " member_in_one_live_wave " in plan
