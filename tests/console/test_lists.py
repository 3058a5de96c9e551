"""Lists of millions: masked, paged by key, never counted, nothing asked per row. [O-5, O-7]"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Registrant
from operations.adminkit.masking import mask_email, mask_phone, mask_text
from tests.support.people import client_of, member_of, staff
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db

BIG = [
    "campaigns/registrant",
    "waves/code",
    "waves/member",
    "waves/send",
    "operations/job",
    "operations/alert",
    "operations/statuschange",
    "datalake/lakefile",
    "datalake/deadletter",
    "console/personaldataaccess",
]
ALL_VIEWS = (
    "campaigns.view_registrant",
    "campaigns.view_campaign",
    "waves.view_code",
    "waves.view_member",
    "waves.view_send",
)
MORE = (
    "operations.view_job",
    "operations.view_alert",
    "operations.view_statuschange",
    "datalake.view_lakefile",
)
VIEWS = (*ALL_VIEWS, *MORE, "datalake.view_deadletter", "console.view_personaldataaccess")
REGISTRANTS = "/admin/campaigns/registrant/"


def fans_on(html: str) -> list[str]:
    return re.findall(r"fan-\d{6}", re.sub(r"<script.*?</script>", "", html, flags=re.S))


def test_masks_keep_just_enough_to_compare():
    assert mask_email("anna@mail.example.com") == "a•••@m•••.com"
    assert mask_phone("+12025550123") == "+1••••••••23"
    assert mask_text("A7KX29QWER") == "A7••••••••"
    assert mask_text("TM") == "TM"
    assert mask_email("") == mask_phone("") == mask_text("") == ""
    assert mask_phone("1234") == "••••"


@pytest.mark.parametrize("address", BIG)
def test_a_list_is_never_counted(address):
    campaign_with(fans=3)
    client = client_of(staff("looker", *VIEWS))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = client.get(f"/admin/{address}/")
    assert answer.status_code == 200
    assert [query["sql"] for query in asked if "count(" in query["sql"].lower()] == []


def test_a_page_asks_as_often_for_fifty_rows_as_for_three():
    client = client_of(staff("looker", *VIEWS))
    counts = []
    for fans in (3, 120):
        campaign_with(fans=fans)
        with CaptureQueriesContext(connection) as asked:
            client.get(REGISTRANTS)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_pages_by_key_show_each_fan_once_forwards_and_backwards():
    campaign = campaign_with(fans=120)
    client = client_of(staff("looker", *VIEWS))
    address = f"{REGISTRANTS}?campaign__id__exact={campaign.pk}"
    seen: list[str] = []
    pages = []
    while address:
        html = client.get(address).content.decode()
        pages.append(fans_on(html))
        seen += pages[-1]
        older = re.search(r'href="([^"]+)" rel="next"', html)
        newer = re.search(r'href="([^"]+)" rel="prev"', html)
        address = REGISTRANTS + older[1].replace("&amp;", "&") if older else ""
    assert seen == [f"fan-{n:06d}" for n in range(120)]
    back = client.get(REGISTRANTS + newer[1].replace("&amp;", "&")).content.decode()
    assert fans_on(back) == pages[1]


def test_addresses_of_pages_hold_no_personal_data():
    campaign_with(fans=120)
    html = client_of(staff("looker", *VIEWS)).get(REGISTRANTS).content.decode()
    older = re.search(r'href="([^"]+)" rel="next"', html)
    assert older
    assert re.fullmatch(r"\?after=\d+", older[1])


def test_personal_data_is_masked_until_it_is_asked_for_with_a_reason():
    campaign_with(fans=3)
    client = client_of(staff("looker", *VIEWS, "campaigns.view_personal_data"))
    hidden = client.get(REGISTRANTS).content.decode()
    assert "fan1@example.com" not in hidden
    assert "+12065550001" not in hidden
    assert "f•••@e•••.com" in hidden

    client.post("/admin/personal-data/", {"reason": "", "next": REGISTRANTS})
    assert "fan1@example.com" not in client.get(REGISTRANTS).content.decode()

    client.post("/admin/personal-data/", {"reason": "a fan called", "next": REGISTRANTS})
    shown = client.get(REGISTRANTS).content.decode()
    assert "fan1@example.com" in shown
    assert "+12065550001" in shown

    client.post("/admin/personal-data/", {"hide": "1", "next": REGISTRANTS})
    assert "fan1@example.com" not in client.get(REGISTRANTS).content.decode()


def test_one_fans_page_is_masked_too():
    campaign_with(fans=1)
    row = Registrant.objects.get()
    html = client_of(staff("looker", *VIEWS)).get(f"{REGISTRANTS}{row.pk}/change/").content.decode()
    assert "fan-000000" in html
    assert row.email not in html
    assert row.phone not in html


def test_a_session_that_once_saw_personal_data_loses_it_with_the_right():
    campaign_with(fans=1)
    user = staff("looker", *VIEWS, "campaigns.view_personal_data")
    client = client_of(user)
    client.post("/admin/personal-data/", {"reason": "a fan called", "next": REGISTRANTS})
    user.user_permissions.filter(codename="view_personal_data").delete()
    assert "fan0@example.com" not in client.get(REGISTRANTS).content.decode()


@pytest.mark.parametrize(
    "question", ["email=fan1@example.com", "email__startswith=f", "phone__contains=206", "o=2"]
)
def test_what_is_hidden_cannot_be_found_out_by_filtering_or_sorting(question):
    campaign_with(fans=3)
    answer = client_of(staff("looker", *VIEWS)).get(f"{REGISTRANTS}?{question}")
    if answer.status_code == 200:
        assert fans_on(answer.content.decode()) == ["fan-000002", "fan-000001", "fan-000000"]
    else:
        assert answer.status_code in (302, 400)


def test_nobody_edits_or_deletes_a_registrant_by_hand():
    campaign_with(fans=1)
    row = Registrant.objects.get()
    client = client_of(member_of("administrator"))
    assert (
        client.post(f"{REGISTRANTS}{row.pk}/change/", {"email": "x@example.com"}).status_code == 403
    )
    assert client.post(f"{REGISTRANTS}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{REGISTRANTS}add/").status_code == 403


def test_times_stand_in_utc_and_where_the_campaign_lives():
    from console.templatetags.console import moment

    at = datetime(2026, 1, 20, 2, 30, tzinfo=UTC)
    assert "20 Jan 2026, 02:30 UTC <span>(19 Jan 21:30 New York)</span>" in moment(
        at, "America/New_York"
    )
    assert "20 Jan 2026, 02:30 UTC" in moment(at, "UTC")
    assert "(" not in moment(at, "UTC")
