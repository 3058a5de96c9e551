"""The page of suspicious groups, and putting one on the blacklist by a click. [X-13]"""

from __future__ import annotations

import pytest

from campaigns.fairness.suspicious import reports
from campaigns.models import Campaign, ListEntry, ScoreFile
from operations.models import Job
from tests.campaigns.fairness.suspicious.machine_made import processed
from tests.support.campaigns import make_campaign, receive_scores, score_file_bytes, score_row
from tests.support.people import client_of, keeper, member_of

pytestmark = pytest.mark.django_db(transaction=True)


def found() -> ScoreFile:
    score_file = processed()
    reports.run(reports.open_job(score_file, by=None).pk)
    return score_file


def page_of(client, score_file: ScoreFile) -> str:
    return client.get(f"/admin/score-file/{score_file.pk}/suspicious/").content.decode()


def test_x13_a_search_is_asked_for_on_the_score_files_page():
    client, score_file = client_of(member_of("operator")), processed()
    page = client.get(f"/admin/score-file/{score_file.pk}/").content.decode()
    assert "No search for suspicious groups yet" in page
    assert "No search for suspicious groups yet" in page_of(client, score_file)
    answer = client.post(f"/admin/score-file/{score_file.pk}/suspicious/find/", follow=True)
    assert Job.objects.get(kind="suspicious_groups").state == "queued"
    assert "Waiting for a worker" in answer.content.decode()


def test_x13_each_group_is_shown_in_words_with_masked_examples():
    client, score_file = client_of(member_of("viewer")), found()
    page = page_of(client, score_file)
    assert "4 groups of fans look made by a machine. Look before you act." in page
    assert "40 e-mail addresses have the same name with running numbers." in page
    assert "12 fans have phone numbers from one run of 12." in page
    assert "in 20 spellings" in page
    assert "40 fans registered within 21 seconds" in page
    assert "<b>40</b> fans, <b>25%</b> of all" in page
    assert "t•••@g•••.com" in page
    assert "ticketbot" not in page
    assert "on the blacklist</button>" not in page
    assert "4 groups of fans" in client.get(f"/admin/score-file/{score_file.pk}/").content.decode()


def test_x13_examples_are_shown_in_full_to_those_who_asked_for_it():
    client, score_file = client_of(member_of("operator")), found()
    assert "ticketbot101@gmail.com" not in page_of(client, score_file)
    client.post("/admin/personal-data/", {"reason": "a group is looked at"})
    assert "ticketbot101@gmail.com" in page_of(client, score_file)


def test_x13_s8_a_group_goes_on_the_blacklist_for_a_reason_once_luck_is_known():
    client, score_file = client_of(keeper()), found()
    page = page_of(client, score_file)
    assert "Put 40 addresses on the blacklist" in page
    assert "A list cannot hold phone numbers" in page
    group = score_file.suspicious_groups.first()
    address = f"/admin/suspicious-group/{group.pk}/list/"
    refused = client.post(address, follow=True).content.decode()
    assert "Enter the reason" in refused
    assert not ListEntry.objects.exists()
    shown = client.post(address, {"reason": "a bot"}, follow=True).content.decode()
    assert "40 entries added to the campaign" in shown
    assert ListEntry.objects.filter(campaign=score_file.campaign).count() == 40
    assert "Put 40 addresses on the blacklist" not in shown


def test_x13_who_may_not_change_lists_cannot_put_a_group_on_one():
    client, score_file = client_of(member_of("viewer")), found()
    group = score_file.suspicious_groups.first()
    assert client.post(f"/admin/suspicious-group/{group.pk}/list/").status_code == 403
    assert not ListEntry.objects.exists()


def test_x13_s8_who_may_change_lists_but_not_late_is_told_what_it_needs():
    client, score_file = client_of(member_of("operator")), found()
    page = page_of(client, score_file)
    assert "This change of a list of campaign" in page
    assert "on the blacklist</button>" not in page


def test_x13_before_luck_is_known_one_click_is_enough():
    client, score_file = client_of(member_of("operator")), found()
    Campaign.objects.update(first_drawn_at=None)
    assert 'name="reason" required maxlength="300"' not in page_of(client, score_file)
    group = score_file.suspicious_groups.first()
    client.post(f"/admin/suspicious-group/{group.pk}/list/")
    assert ListEntry.objects.count() == 40


def test_x13_a_closed_campaign_offers_no_list():
    client, score_file = client_of(keeper()), found()
    Campaign.objects.update(status="closed")
    assert "on the blacklist</button>" not in page_of(client, score_file)


def test_x13_a_rare_domain_and_what_is_left_of_a_group_are_named_on_the_button():
    client, score_file = client_of(keeper()), found()
    score_file.suspicious_groups.create(
        number=5,
        kind="rare_domain",
        fans=700,
        expected=1.93,
        corrected_p=0.002,
        about={"domain": "seats.example", "half_within_seconds": 1_387},
    )
    ListEntry.objects.create(kind="blacklist", pattern="ticketbot101@gmail.com")
    page = page_of(client, score_file)
    assert "Put @seats.example on the blacklist" in page
    assert "Half of them registered within 23 minutes" in page
    assert "Other such domains have about 1.9 fans each" in page
    assert "1 of 40 on the blacklist" in page
    assert "Put 39 addresses on the blacklist" in page
    assert "no longer stored" in page


def test_x13_the_page_of_a_file_that_is_not_drawn_says_to_wait():
    client = client_of(member_of("operator"))
    score_file = receive_scores(make_campaign(), score_file_bytes([score_row(1)]))
    assert "once the file is streamed" in page_of(client, score_file)
    answer = client.post(f"/admin/score-file/{score_file.pk}/suspicious/find/", follow=True)
    assert "once it is streamed" in str(next(iter(answer.context["messages"])))
