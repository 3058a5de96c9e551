"""Lists of the admin: titled, read only, masked. [O-5, O-7]"""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import User

from campaigns.models import Registrant
from datalake.models import DeadLetter
from tests.operations.adminkit.list_cases import REGISTRANTS, VIEWS, fans_on
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, member_of, staff
from tests.support.waves import NOW, campaign_with, person, request
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db


def test_one_fans_page_is_masked_too():
    campaign_with(fans=1)
    row = Registrant.objects.get()
    html = client_of(staff("looker", *VIEWS)).get(f"{REGISTRANTS}{row.pk}/change/").content.decode()
    assert "fan-000000" in html
    assert "Fan id" in html
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
    looker: User = staff("looker", "datalake.view_lakefile")
    html = client_of(looker).get("/admin/datalake/lakefile/").content.decode()
    assert "<title>Lake files" in " ".join(html.split()).replace("<title> ", "<title>")
    assert "Nothing here yet." in html


def test_only_a_list_that_shows_a_part_offers_to_show_all():
    make_campaign("spring").score_files.create(attempt=1, name="a.txt", key="a", sha256="a")
    client = client_of(member_of("viewer"))
    html = client.get("/admin/campaigns/scorefile/").content.decode()
    assert "a.txt" in html
    assert "Show all" not in html
    assert "Show all" in client.get("/admin/campaigns/scorefile/?state=failed").content.decode()


def test_the_filter_for_rows_of_no_campaign_answers_its_own_link():
    client = client_of(User.objects.create_superuser("root-like"))
    address = "/admin/campaigns/listentry/?campaign__isnull=True"
    assert client.get(address).status_code == 200


# a table of changelist parameters: what an address may say, whatever the list
BAD = (
    "nowhere=1",
    "state__exact=%E2%80%AE",
    "state__isnull=maybe",
    "state__nothing=1",
    "campaign__id__exact=abc",
    "campaign__id__exact=99999999999999999999999999",
    "campaign__id__exact=",
    "campaign__isnull=x",
    "wave__id__exact=-1",
    "wave__id__exact=1&state__exact=x&wave__name=y",
    "finished__exact=perhaps",
    "pk__in=a,b",
    "password__startswith=a",
    "o=99.-7.x",
    "o=" + "9" * 5_000,
    "p=abc",
    "p=-1",
    "p=" + "9" * 30,
    "q=" + "%25" * 3_000,
    "all=",
    "after=x&before=" + "9" * 40,
    "e=1",
    "_to_field=password",
    "_popup=1&_to_field=nowhere",
    "_facets=x",
    "&".join(f"f{n}=x" for n in range(100)),
)
LISTS = sorted(
    f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    for model in admin.site._registry
    if model is not DeadLetter  # its list is a page of its own
)


def test_every_list_answers_every_address_inside_the_site():
    """A filter that cannot be had is ignored, and the page says so."""
    prepare(request(campaign_with(fans=3)), by=person("ann"), now=NOW)
    client = client_of(User.objects.create_superuser("root-like"))
    assert len(LISTS) > 25
    for number, address in enumerate(LISTS):
        # the whole table is asked of one list with all kinds of filters, a share of each other
        for question in BAD if address == "/admin/waves/wave/" else BAD[number % 13 :: 13]:
            answer = client.get(f"{address}?{question}")
            assert answer.status_code == 200, f"{address}?{question[:60]}"
            assert "e=1" not in answer.headers.get("Location", "")


def test_a_filter_that_is_ignored_is_named_and_the_others_stay():
    first, second = campaign_with(fans=2), campaign_with(fans=1)
    client = client_of(staff("looker", *VIEWS))
    answer = client.get(
        f"{REGISTRANTS}?campaign__id__exact={second.pk}&email__startswith=f&nowhere=1"
    )
    html = answer.content.decode()
    assert fans_on(html) == ["fan-000000"]
    assert "Ignored in the address of this page" in html
    assert "&#x27;email__startswith&#x27; = &#x27;f&#x27;" in html
    assert str(first.pk) != str(second.pk)
