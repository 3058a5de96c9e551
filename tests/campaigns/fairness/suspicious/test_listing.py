"""A suspicious group goes on the campaign's blacklist. [X-13, S-4]"""

from __future__ import annotations

import pytest

from campaigns import late_changes
from campaigns.errors import LateRefused, NothingToList, WrongStatus
from campaigns.fairness.suspicious import listing, reports
from campaigns.models import Campaign, ListEntry, ScoreFile, SuspiciousGroup
from campaigns.scoring import rules
from operations.models import StatusChange
from tests.campaigns.fairness.suspicious.machine_made import processed
from tests.support.campaigns import make_active, process_scores, score_file_bytes, score_row
from tests.support.people import keeper, member_of

pytestmark = pytest.mark.django_db(transaction=True)


def found() -> tuple[ScoreFile, list[SuspiciousGroup]]:
    score_file = processed()
    reports.run(reports.open_job(score_file, by=None).pk)
    return score_file, list(score_file.suspicious_groups.select_related("score_file"))


def domain_group(score_file: ScoreFile) -> SuspiciousGroup:
    return SuspiciousGroup.objects.create(
        score_file=score_file,
        number=9,
        kind="rare_domain",
        fans=30,
        expected=1.5,
        corrected_p=0.001,
        about={"domain": "seats.example"},
    )


def test_x13_the_addresses_of_a_group_are_refused_in_later_files():
    score_file, groups = found()
    assert listing.put_on_blacklist(groups[0], by=keeper(), reason="a bot") == 40
    later = [score_row(1), score_row(2, tmemail="ticketbot101@gmail.com")]
    done = process_scores(score_file.campaign, score_file_bytes(later))
    assert done.rejected_by == {"blacklisted_email": 1}
    score_file.refresh_from_db()
    assert score_file.accepted == 160


def test_x13_a_rare_domain_goes_on_the_list_as_a_whole():
    score_file, _ = found()
    group = domain_group(score_file)
    assert listing.put_on_blacklist(group, by=keeper(), reason="a bot") == 1
    assert "seats.example" in rules.gather(score_file.campaign).email_rules.domains
    assert listing.on_lists(score_file)[group.pk] == (1, 1)


def test_x13_the_change_of_the_list_is_in_the_campaigns_history():
    _, groups = found()
    person = keeper()
    listing.put_on_blacklist(groups[2], by=person, reason="a bot")
    change = StatusChange.objects.latest("id")
    assert (change.from_state, change.to_state, change.by) == ("blacklist", "added", person)
    assert change.reason == "20 entries"
    notes = set(ListEntry.objects.filter(campaign__isnull=False).values_list("note", flat=True))
    assert notes == {f"Suspicious group 3 of score file {groups[2].score_file_id}"}


def test_x13_what_is_listed_already_is_not_listed_twice():
    score_file, groups = found()
    ListEntry.objects.create(kind="blacklist", pattern="ticketbot101@gmail.com")
    assert listing.on_lists(score_file)[groups[0].pk] == (40, 1)
    person = keeper()
    assert listing.put_on_blacklist(groups[0], by=person, reason="a bot") == 39
    assert listing.on_lists(score_file)[groups[0].pk] == (40, 40)
    with pytest.raises(NothingToList, match="Group 1 is on the blacklist already"):
        listing.put_on_blacklist(groups[0], by=person, reason="a bot")


def test_x13_phones_without_addresses_cannot_be_listed():
    score_file, groups = found()
    groups[1].members.all().delete()
    with pytest.raises(NothingToList, match="cannot hold phone numbers"):
        listing.put_on_blacklist(groups[1], by=keeper(), reason="a bot")
    assert groups[1].pk not in listing.on_lists(score_file)


def test_x13_an_address_that_a_list_would_read_as_a_comment_is_left_out():
    score_file, _ = found()
    rows = [
        score_row(number, tmemail=f"#bot{4_000 + number}@gmail.com", sms="") for number in range(40)
    ]
    done = process_scores(score_file.campaign, score_file_bytes(rows))
    reports.run(reports.open_job(done, by=None).pk)
    assert done.suspicious_groups.count() == 1
    assert listing.on_lists(done) == {}


def test_x13_a_closed_campaigns_lists_are_not_changed():
    _, groups = found()
    Campaign.objects.update(status="closed")
    with pytest.raises(WrongStatus, match="can no longer be changed"):
        listing.put_on_blacklist(groups[0], by=keeper(), reason="a bot")
    assert not ListEntry.objects.exists()


def test_x13_s8_what_is_listed_late_needs_a_right_and_a_reason_and_is_public():
    score_file, groups = found()
    with pytest.raises(LateRefused, match="operator-person does not have it"):
        listing.put_on_blacklist(groups[0], by=member_of("operator"), reason="a bot")
    with pytest.raises(LateRefused, match="Enter the reason"):
        listing.put_on_blacklist(groups[0], by=keeper())
    assert not ListEntry.objects.exists()
    listing.put_on_blacklist(groups[0], by=keeper(), reason="a bot")
    (change,) = late_changes.public_lateness(score_file.campaign)["late"]
    assert (change["kind"], change["reason"], change["moved"]) == ("lists", "a bot", 40)
    assert change["subject"] == "Blacklist: 40 entries added"


def test_x13_s8_a_domain_moves_the_fans_below_it_too():
    score_file, _ = found()
    row = [score_row(151, tmemail="a@seats.example"), score_row(152, tmemail="b@x.seats.example")]
    rows = [*row, score_row(153, tmemail="c@otherseats.example")]
    process_scores(score_file.campaign, score_file_bytes(rows))
    active = ScoreFile.objects.latest("id")
    make_active(active)
    listing.put_on_blacklist(domain_group(active), by=keeper(), reason="a bot")
    assert late_changes.public_lateness(score_file.campaign)["late"][-1]["moved"] == 2
