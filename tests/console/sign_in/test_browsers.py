"""A browser in which somebody has signed in carries that, signed. [O-7]"""

from __future__ import annotations

from django.http import HttpResponse
from django.test import RequestFactory

from console.sign_in import browsers


def remembered(account: str, cookie: str = "") -> str:
    request, response = RequestFactory().get("/"), HttpResponse()
    request.COOKIES[browsers.COOKIE] = cookie
    browsers.remember(request, response, account)
    return response.cookies[browsers.COOKIE].value


def test_o7_a_browser_is_known_to_those_who_signed_in_with_it_and_to_no_one_else():
    cookie = remembered("bob", remembered("anna"))
    assert set(browsers.known_in(cookie)) == {"anna", "bob"}
    again = remembered("anna", cookie)
    assert browsers.known_in(again) == browsers.known_in(cookie)


def test_o7_a_cookie_that_we_did_not_sign_says_nothing():
    cookie = remembered("anna")
    for forged in ("", "nonsense", cookie[:-1], f"x{cookie}", '{"anna": "1"}'):
        assert browsers.known_in(forged) == {}


def test_o7_a_browser_that_many_share_remembers_the_newest_five():
    cookie = ""
    for number in range(7):
        cookie = remembered(f"user-{number}", cookie)
    assert list(browsers.known_in(cookie)) == [f"user-{number}" for number in range(2, 7)]


def test_o7_scripts_and_other_sites_do_not_get_the_cookie(settings):
    settings.SESSION_COOKIE_SECURE = True
    response = HttpResponse()
    browsers.remember(RequestFactory().get("/"), response, "anna")
    cookie = response.cookies[browsers.COOKIE]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
