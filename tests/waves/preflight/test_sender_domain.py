"""SPF, DKIM and DMARC of the sender's domain, where DNS answers. [X-6]"""

from __future__ import annotations

import socket
import threading
from typing import ClassVar

import dns.exception
import dns.message
import dns.resolver
import dns.rrset
import pytest

from waves.preflight import surroundings
from waves.preflight.sender_domain import (
    SenderDomain,
    judge_sender_domain,
    look_up,
    txt_records,
)

SPF, KEY = "v=spf1 include:esp.example -all", "v=DKIM1; k=rsa; p=MIIB"
PUBLISHED = {
    "band.example": [SPF, "v=spf10 no", "site-verification=1"],
    "_dmarc.band.example": ["v=DMARC1; p=none"],
    "pm._domainkey.band.example": [KEY],
}


def asked(name: str) -> list[str]:
    return PUBLISHED.get(name, [])


def silent(name: str) -> list[str]:
    raise dns.resolver.LifetimeTimeout(timeout=3, errors=[])


def test_x6_the_records_of_the_senders_domain_are_looked_up():
    found = look_up("Tour <tour@Band.example>", ["pm", "k1"], asked)
    assert found == SenderDomain(
        "band.example",
        spf=[SPF],
        dmarc=["v=DMARC1; p=none"],
        dkim={"pm": [KEY], "k1": []},
    )


@pytest.mark.parametrize(
    ("values", "color", "said"),
    [
        ({}, "green", "SPF and DKIM of band.example are published."),
        ({"dmarc": []}, "green", "published. It has no DMARC policy"),
        ({"spf": []}, "yellow", "has no SPF record"),
        ({"spf": [SPF, SPF]}, "yellow", "has 2 SPF records, so none is valid"),
        ({"dkim": {}}, "yellow", "Set EMAIL_DKIM_SELECTORS"),
        ({"dkim": {}, "dmarc": []}, "yellow", "SELECTORS. It has no DMARC policy"),
        ({"dkim": {"k1": []}}, "red", "No DKIM key is published at k1._domainkey.band.example"),
        ({"dkim": {"k1": ["v=DKIM1; p="]}}, "red", "No DKIM key is published"),
        ({"answers": False}, "yellow", "DNS does not answer"),
        ({"domain": "localhost", "answers": False}, "yellow", "Set EMAIL_FROM"),
    ],
)
def test_x6_what_is_published_of_it_has_a_color_and_says_what_to_do(values, color, said):
    well = {"domain": "band.example", "spf": [SPF], "dmarc": ["v=DMARC1"], "dkim": {"pm": [KEY]}}
    [line] = judge_sender_domain(SenderDomain(**well | values))
    assert (str(line.ok), said in line.detail) == (color, True)


@pytest.mark.parametrize("address", ["presale@localhost", "", "Tour"])
def test_x6_an_address_without_a_domain_of_its_own_is_not_looked_up(address):
    assert not look_up(address, [], silent).answers
    assert "Set EMAIL_FROM" in judge_sender_domain(look_up(address, [], silent))[0].detail


@pytest.mark.parametrize("fault", [dns.resolver.NoNameservers(), OSError("no network")])
def test_x6_dns_that_does_not_answer_is_no_fault(fault):
    def failing(name):
        raise fault

    assert look_up("a@band.example", ["pm"], failing) == SenderDomain("band.example", answers=False)
    assert look_up("a@band.example", ["pm"], silent) == SenderDomain("band.example", answers=False)


def test_x6_where_the_provider_names_the_sender_there_is_no_such_line(settings):
    settings.EMAIL_PROVIDER = "sfmc"
    assert surroundings._sender(["sms", "email"]) is None
    settings.EMAIL_PROVIDER = "django"
    assert surroundings._sender(["sms"]) is None
    assert surroundings._sender(["sms", "email"]) == SenderDomain("localhost", answers=False)
    assert judge_sender_domain(None) == []


@pytest.fixture
def resolver():
    """Of a DNS server of our own, which knows one long record and no other name."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve():
        while True:
            wire, client = server.recvfrom(4096)
            if not wire:
                return
            question = dns.message.from_wire(wire)
            answer = dns.message.make_response(question)
            if question.question[0].name.to_text() == "pm._domainkey.band.example.":
                text = f'"{"v=DKIM1; p=" + "M" * 200}" "{"N" * 200}"'
                name = question.question[0].name
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", text))
            else:
                answer.set_rcode(3)
            server.sendto(answer.to_wire(), client)

    thread = threading.Thread(target=serve)
    thread.start()
    found = dns.resolver.Resolver(configure=False)
    found.nameservers, found.port = ["127.0.0.1"], server.getsockname()[1]
    yield found
    server.sendto(b"", server.getsockname())
    thread.join()
    server.close()


def test_x6_a_key_in_several_strings_is_one_and_a_name_that_is_not_there_has_none(resolver):
    found = look_up("a@band.example", ["pm", "k1"], txt_records(resolver))
    assert found.dkim == {"pm": ["v=DKIM1; p=" + "M" * 200 + "N" * 200], "k1": []}
    assert (found.spf, found.answers) == ([], True)


def test_x6_all_questions_together_have_three_seconds(monkeypatch):
    class Slow:
        left: ClassVar = []

        def resolve(self, name, kind, *, lifetime, search):
            self.left.append(lifetime)
            clock[0] += 2.0
            return []

    clock = [100.0]
    monkeypatch.setattr("waves.preflight.sender_domain.time.monotonic", lambda: clock[0])
    look_up("a@band.example", ["pm"], txt_records(Slow()))
    assert Slow.left == [3.0, 1.0, 0.001]
