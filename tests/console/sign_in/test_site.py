"""Signing in at the site: where it ends, who is locked out, and who may see nothing. [O-5, O-7]"""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from console.sign_in.limits import ACCOUNT, PLACE
from tests.support.people import client_of, member_of, staff

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"
PASSWORD = "correct horse battery"
PROXY = "10.0.0.1"


@pytest.fixture
def anna(db: None) -> User:
    user = member_of("administrator")
    User.objects.filter(pk=user.pk).update(username="anna")
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    return user


def sign_in(
    client: Client | None = None, password: str = PASSWORD, address: str = "", **data: str
) -> HttpResponse:
    """Through a trusted proxy, if an address is given."""
    behind = (
        {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": f"9.9.9.9, {address}"} if address else {}
    )
    return (client or Client()).post(
        LOGIN, {"username": "anna", "password": password, **data}, **behind
    )


def test_o7_the_login_page_opened_directly_ends_on_the_home_page(anna):
    assert 'name="next"' not in Client().get(LOGIN).content.decode()
    assert sign_in().headers["Location"] == "/admin/"
    assert client_of(anna).get(LOGIN).headers["Location"] == "/admin/"


@pytest.mark.parametrize(
    ("given", "ends_on"),
    [
        ("/admin/find/", "/admin/find/"),
        ("https://evil.example/", "/admin/"),
        ("//evil.example", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
        ("", "/admin/"),
    ],
)
def test_o7_next_leads_only_to_this_site(anna, given, ends_on):
    answer = Client().post(
        f"{LOGIN}?next={given}", {"username": "anna", "password": PASSWORD, "next": given}
    )
    assert answer.headers["Location"] == ends_on


def test_o7_strangers_elsewhere_never_lock_out_the_only_administrator(anna, settings):
    """Each has an address of its own behind the same proxy."""
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    own = Client()
    assert sign_in(own, address="203.0.113.7").status_code == 302
    own.post("/admin/logout/")
    for number in range(ACCOUNT.failures):
        assert sign_in(password="guess", address=f"192.0.2.{number}").status_code == 200
    # each address that failed waits a day now, instead of having four more tries
    refused = sign_in(password="guess", address="192.0.2.1")
    assert refused.status_code == 429
    assert "Try again in 24 hours" in refused.content.decode()
    # the browser that is known gets in, and so does a new one at an address that did not fail
    assert sign_in(own, address="192.0.2.1").status_code == 302
    assert sign_in(address="203.0.113.8").status_code == 302


def test_o7_a_lock_out_belongs_to_the_persons_address_and_says_how_long(anna, settings):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    for _ in range(PLACE.failures):
        assert sign_in(password="guess", address="2001:db8:0:1::5").status_code == 200
    refused = sign_in(address="[2001:db8:0:1:ffff::6]:443")
    assert refused.status_code == 429
    assert 890 < int(refused.headers["Retry-After"]) <= 900
    assert "Too many failed attempts. Try again in 15 minutes." in refused.content.decode()
    assert sign_in(address="2001:db8:0:2::5").status_code == 302


def test_o7_an_error_of_the_whole_sign_in_announces_none_beside_a_field(anna):
    """Neither a wrong password nor a lock-out is corrected below."""
    for _ in range(6):
        html = sign_in(password="guess").content.decode()
        assert "Please correct" not in html
    assert "Too many failed attempts" in html
    assert "Please correct the error below" in sign_in(password="").content.decode()


def test_o7_without_a_trusted_proxy_the_header_is_not_believed(anna):
    for number in range(PLACE.failures):
        assert sign_in(password="guess", address=f"192.0.2.{number}").status_code == 200
    assert sign_in(address="192.0.2.77").status_code == 429


@pytest.mark.parametrize("is_staff", [True, False])
def test_o5_somebody_without_a_role_reads_who_can_give_one_and_can_sign_out(anna, is_staff):
    User.objects.create_user("carl", password=PASSWORD, is_staff=is_staff)
    User.objects.create_user("root", password=PASSWORD, is_superuser=True)  # cannot enter
    client = Client()
    answer = client.post(LOGIN, {"username": "carl", "password": PASSWORD}, follow=True)
    assert [address for address, _ in answer.redirect_chain] == ["/admin/"]
    for address in (
        "/admin/",
        LOGIN,
        f"{LOGIN}?next=/admin/",
        "/admin/no-such-page/",
        "/admin/now/",
    ):
        html = client.get(address).content.decode()
        assert "You do not have a role yet" in html, address
        assert "give you a role: anna." in html
        assert 'action="/admin/logout/"' in html
    assert client.post("/admin/logout/").status_code == 200
    assert client.get("/admin/").status_code == 302


def test_o5_a_live_part_of_a_page_shows_it_in_the_whole_window():
    client = client_of(staff("carl"))
    assert client.get("/admin/now/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


def test_o5_whoever_loses_the_role_sees_nothing_from_the_next_click_on():
    user = member_of("viewer")
    client = client_of(user)
    assert client.get("/admin/campaigns/campaign/").status_code == 200
    user.groups.clear()
    assert client.get("/admin/campaigns/campaign/").status_code == 403
