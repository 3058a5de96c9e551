"""Suppressed contacts: found by the address, added by hand or from a file, and allowed again. [N-8]"""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from console.models import PersonalDataAccess
from tests.console.page_cases import said
from tests.support.waves import campaign_with
from waves.choices import Channel, SuppressedBy
from waves.models import Suppression
from waves.suppression import files
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, entries_of, suppress

pytestmark = pytest.mark.django_db

PAGE = "/admin/suppressed/"
ANN = Contact(Channel.EMAIL, "ann@example.com")


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def found(client, contact: str) -> str:
    return text_of(client.post(PAGE, {"contact": contact, "reason": "a fan called"}))


def test_n8_the_page_counts_by_reason_and_finds_a_contact_however_it_is_written(operator):
    suppress([ANN, Contact(Channel.SMS, "+12065550101")], Ground(SuppressedBy.STOP))
    page = text_of(operator.get(PAGE))
    assert 'Replied with a stop word</th><td class="fw-number" data-label="Entries">2</td>' in page
    assert "Replied with a stop word</a>" in found(operator, " ANN@example.com")
    assert "All campaigns" in found(operator, "+1 206-555-0101")
    assert "not suppressed and has never been" in found(operator, "bob@example.com")
    assert "Neither an e-mail address nor a phone number" in found(operator, "ann")
    logged = PersonalDataAccess.objects.values_list("subject", "reason").distinct()
    assert list(logged) == [("suppressed contacts", "a fan called")]


def test_n8_a_contact_is_added_for_a_campaign_and_lifted_with_a_reason(operator):
    campaign = campaign_with(1, home_countries=["GB"])
    values = {"contact": "07400 123456", "campaign": campaign.pk, "reason": "asked by letter"}
    answers = [operator.post(f"{PAGE}add/", values, follow=True) for _ in range(2)]
    assert [said(each)[0] for each in answers] == [
        "The contact is suppressed.",
        "The contact was already suppressed.",
    ]
    entry = entries_of(Contact(Channel.SMS, "+447400123456")).get()
    assert (entry.campaign, entry.reason, entry.cause) == (campaign, "asked by letter", "hand")
    lifting = f"{PAGE}{entry.pk}/lift/"
    assert "reason is required" in said(operator.post(lifting, {"reason": " "}, follow=True))[0]
    lifted = operator.post(lifting, {"reason": "asked again"}, follow=True)
    assert said(lifted) == ["The suppression was lifted."]
    assert "asked again" in text_of(lifted)
    assert "Lift…" not in text_of(lifted)
    assert "already" in said(operator.post(lifting, {"reason": "asked again"}, follow=True))[0]


def test_n8_what_is_wrong_in_a_form_is_said_and_nothing_is_added(operator):
    for values, words in (
        ({"contact": "ann", "reason": "asked by phone"}, "Neither an e-mail address"),
        ({"contact": "ann@example.com", "reason": "x"}, "Reason: "),
        ({"contact": "ann@example.com", "reason": "by phone", "campaign": 987654}, "Campaign: "),
    ):
        assert words in said(operator.post(f"{PAGE}add/", values, follow=True))[0]
    assert not Suppression.objects.exists()


def test_n8_a_file_is_added_and_its_bad_rows_are_named_by_line(operator, monkeypatch):
    content = b"email\nann@example.com\nann\n\nbob@example.com\n"

    def upload(sent: bytes = content):
        file = SimpleUploadedFile("left.csv", sent)
        values = {"file": file, "reason": "from the old system"}
        return said(operator.post(f"{PAGE}file/", values, follow=True))

    assert upload() == [
        "2 rows rejected. Line 3: Neither an e-mail address nor a phone number; line 4: No contact.",
        "2 contacts added; 0 were already suppressed.",
    ]
    assert upload()[-1] == "0 contacts added; 2 were already suppressed."
    assert "names none of the columns" in upload(b"name\nAnn\n")[0]
    monkeypatch.setattr(files, "MOST_PAGE_BYTES", len(content) - 1)
    assert "is the limit" in upload()[0]


def test_n8_who_may_only_look_sees_no_form_and_no_button(viewer):
    suppress([ANN], Ground(SuppressedBy.STOP))
    entry = Suppression.objects.get()
    pages = [text_of(viewer.get(address)) for address in (PAGE, f"{PAGE}{entry.pk}/")]
    for words in ("Add a contact", "Add a file", "Lift…"):
        assert words not in "".join(pages)
    assert viewer.post(f"{PAGE}{entry.pk}/lift/", {"reason": "asked"}).status_code == 403
    listed = viewer.get("/admin/waves/suppression/?cause__exact=stop")
    assert "Replied with a stop word" in text_of(listed)
    row = viewer.get(f"/admin/waves/suppression/{entry.pk}/change/")
    assert row.url == f"{PAGE}{entry.pk}/"
