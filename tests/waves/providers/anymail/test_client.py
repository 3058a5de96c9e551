"""E-mails through one of Anymail's providers: Postmark's API, over real connections to the sandbox.
[N-3, N-5]
"""

from __future__ import annotations

import asyncio
import socket

import pytest

from waves.providers.anymail.client import from_settings
from waves.providers.contract import About, EmailMessage
from waves.providers.outcomes import Health, Kind, Outcome

ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")
MESSAGE = EmailMessage("key-1", "fan@mail.example", "You're in", "Code: A", "<p>Code: A</p>", ABOUT)
FIRST_ID = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(autouse=True)
def chosen(box, settings):
    settings.ANYMAIL_ESP, settings.DEFAULT_FROM_EMAIL = "postmark", "tickets@band.example"
    use(settings, box.url)


def use(settings, url, token="sandbox"):  # noqa: S107
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": token, "POSTMARK_API_URL": f"{url}/postmark/"}


def in_session(work, timeout=5.0):
    async def run():
        sender = from_settings()
        async with sender.open_session(timeout, 2) as session:
            return await work(sender, session)

    return asyncio.run(run())


def send(*messages, timeout=5.0):
    async def all_at_once(sender, session):
        return await asyncio.gather(*(sender.send(session, message) for message in messages))

    return in_session(all_at_once, timeout)


def test_n5_an_accepted_e_mail_is_sent_and_keeps_the_providers_id(box):
    assert send(MESSAGE) == [Outcome(Kind.SENT, provider_id=FIRST_ID)]
    [received] = box.messages("postmark")
    names = ("From", "To", "Subject", "TextBody", "HtmlBody")
    assert [received[name] for name in names] == [
        "tickets@band.example",
        MESSAGE.to,
        MESSAGE.subject,
        MESSAGE.text,
        MESSAGE.html,
    ]


def test_n1_an_e_mail_carries_its_key_and_what_it_belongs_to_and_no_click_is_tracked(box):
    send(MESSAGE)
    [received] = box.messages("postmark")
    assert received["Metadata"] == {
        "key": "key-1",
        "campaign": "tour",
        "wave": "tour_20260120",
        "wave_date": "2026-01-20",
        "market": "west",
        "correlation": "corr-0001",
    }
    assert (received["TrackLinks"], received["TrackOpens"]) == ("None", False)
    assert {each["Name"] for each in received["Headers"]} >= {"X-Wave", "X-Correlation-ID"}


def test_e_mails_share_as_many_connections_as_are_allowed(box):
    assert {outcome.kind for outcome in send(*[MESSAGE] * 6)} == {Kind.SENT}
    assert box.received()["postmark"]["max_concurrency"] <= 2


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (429, Kind.RATE_LIMITED, "http_429"),
        (503, Kind.RETRY_LATER, "http_503"),
        (500, Kind.UNCERTAIN, "http_500"),
        (400, Kind.REFUSED, "http_400"),
    ],
)
def test_n3_each_status_has_its_meaning(box, status, kind, reason):
    box.control(fail_rates={str(status): 1.0}, retry_after_seconds=2.5)
    [outcome] = send(MESSAGE)
    after = 2.5 if status in {429, 503} else 0.0
    assert outcome == Outcome(kind, reason, after_seconds=after)


def test_n3_a_503_without_retry_after_may_have_been_accepted(box):
    box.control(fail_rates={"503": 1.0}, retry_after_seconds=0)
    assert send(MESSAGE) == [Outcome(Kind.UNCERTAIN, "http_503")]


def test_n3_a_recipient_that_the_provider_refuses_spoils_no_other(box):
    refused, sent = send(MESSAGE._replace(to="fan@inactive.example"), MESSAGE)
    assert refused == Outcome(Kind.REFUSED, "recipient_refused")
    assert sent.kind == Kind.SENT


def test_n3_an_e_mail_that_cannot_be_written_is_refused(box):
    assert send(MESSAGE._replace(subject="two\nlines")) == [Outcome(Kind.REFUSED, "bad_message")]
    assert send(MESSAGE._replace(to="a b@c")) == [Outcome(Kind.REFUSED, "bad_address")]
    assert box.received()["postmark"]["requests"] == 0


def test_n3_a_token_that_is_refused_fails_the_e_mail(box, settings):
    use(settings, box.url, token="wrong")
    assert send(MESSAGE) == [Outcome(Kind.REFUSED, "http_401")]


def test_n3_a_cut_connection_is_uncertain(box):
    box.control(drop_rate=1.0)
    assert send(MESSAGE) == [Outcome(Kind.UNCERTAIN, "connection_cut")]
    assert not from_settings().honours_keys


def test_n3_a_time_out_is_uncertain(box):
    box.control(latency_ms=1_000)
    assert send(MESSAGE, timeout=0.2) == [Outcome(Kind.UNCERTAIN, "timed_out")]


def test_n3_where_nothing_listens_nothing_was_accepted(settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        use(settings, f"http://127.0.0.1:{closed.getsockname()[1]}")
        assert send(MESSAGE) == [Outcome(Kind.RETRY_LATER, "no_connection")]


def test_x6_a_check_says_whether_the_settings_suffice(box, settings):
    def checked():
        return in_session(lambda sender, session: sender.check(session))

    assert checked() == Health(is_well=True, detail="is set up")
    settings.ANYMAIL = {}
    assert checked() == Health(is_well=False, detail="lacks settings")
    assert box.received()["postmark"]["requests"] == 0
