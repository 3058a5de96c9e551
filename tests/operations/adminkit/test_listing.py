"""Lists of the admin: titled, read only, masked. [O-5, O-7]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from campaigns.models import Registrant
from tests.operations.adminkit.list_cases import REGISTRANTS, VIEWS, fans_on
from tests.support.people import client_of, member_of, staff
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


def test_one_fans_page_is_masked_too():
    campaign_with(fans=1)
    row = Registrant.objects.get()
    html = client_of(staff("looker", *VIEWS)).get(f"{REGISTRANTS}{row.pk}/change/").content.decode()
    assert "fan-000000" in html
    assert row.email not in html
    assert row.phone not in html


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


def test_lists_are_titled_by_what_they_list_and_an_empty_one_says_so():
    looker: User = staff("looker", "datalake.view_deadletter")
    html = client_of(looker).get("/admin/datalake/deadletter/").content.decode()
    assert "<title>Dead letters" in " ".join(html.split()).replace("<title> ", "<title>")
    assert "Nothing here yet." in html


def test_the_filter_for_rows_of_no_campaign_answers_its_own_link():
    client = client_of(User.objects.create_superuser("root-like"))
    address = "/admin/campaigns/listentry/?campaign__isnull=True"
    assert client.get(address).status_code == 200
    assert client.get("/admin/campaigns/listentry/?pattern__isnull=True").status_code == 400
