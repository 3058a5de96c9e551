"""Whether mailbox providers can tell that e-mails are ours: SPF, DKIM and DMARC of the sender's
domain, looked up where DNS answers. [X-6]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import TYPE_CHECKING, Final

from waves.preflight.check import Check, Color, Problem, judged, red, yellow

if TYPE_CHECKING:  # loaded where DNS is asked
    from dns.resolver import Resolver

NAME: Final = "Sender's domain"
LOOK_UP_SECONDS: Final = 3.0  # for all questions together
Ask = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class SenderDomain:
    """What is published of the domain of the sender's address: SPF and DMARC records, and those of
    each DKIM selector. `answers`: DNS answered every question.
    """

    domain: str
    answers: bool = True
    spf: Sequence[str] = ()
    dmarc: Sequence[str] = ()
    dkim: Mapping[str, Sequence[str]] = field(default_factory=dict)


def look_up(address: str, selectors: Sequence[str], ask: Ask | None = None) -> SenderDomain:
    """`address`: as EMAIL_FROM has it. `ask`: the TXT records of a name; raises DNSException or
    OSError where nobody answers. A domain without a dot is not looked up.
    """
    domain = parseaddr(address)[1].rpartition("@")[2].lower()
    if "." not in domain:
        return SenderDomain(domain, answers=False)
    from dns.exception import DNSException
    from dns.resolver import Resolver

    try:
        records = ask or txt_records(Resolver())
        return SenderDomain(
            domain,
            spf=_beginning("v=spf1", records(domain)),
            dmarc=_beginning("v=DMARC1", records(f"_dmarc.{domain}")),
            dkim={name: records(f"{name}._domainkey.{domain}") for name in selectors},
        )
    except (DNSException, OSError):
        return SenderDomain(domain, answers=False)


def txt_records(resolver: Resolver) -> Ask:
    """What this resolver answers, within LOOK_UP_SECONDS from now on."""
    from dns.resolver import NXDOMAIN, NoAnswer

    until = time.monotonic() + LOOK_UP_SECONDS

    def ask(name: str) -> list[str]:
        seconds = max(0.001, until - time.monotonic())
        try:
            answer = resolver.resolve(name, "TXT", lifetime=seconds, search=False)
        except (NXDOMAIN, NoAnswer):
            return []
        return [b"".join(record.strings).decode(errors="replace") for record in answer]

    return ask


def judge_sender_domain(found: SenderDomain | None) -> list[Check]:
    """No line where the sender's address is not ours to know. A DKIM key that was named and is not
    published is red: large mailbox providers reject such e-mails in bulk.
    """
    if found is None:
        return []
    if "." not in found.domain:
        said = f"E-mails come from {found.domain or 'no domain'}. Set EMAIL_FROM."
        return [Check(NAME, Color.YELLOW, said)]
    if not found.answers:
        said = f"DNS does not answer, so SPF and DKIM of {found.domain} could not be checked."
        return [Check(NAME, Color.YELLOW, said)]
    policy = "" if found.dmarc else " It has no DMARC policy; bulk senders should have one."
    fine = f"SPF and DKIM of {found.domain} are published.{policy}"
    line = judged(NAME, [*_spf(found), *_dkim(found)], fine=fine)
    return [line if line.ok == Color.GREEN else Check(NAME, line.ok, f"{line.detail}{policy}")]


def _spf(found: SenderDomain) -> list[Problem]:
    if len(found.spf) == 1:
        return []
    if not found.spf:
        return [yellow(f"{found.domain} has no SPF record. Publish one.")]
    return [yellow(f"{found.domain} has {len(found.spf)} SPF records, so none is valid. Keep one.")]


def _dkim(found: SenderDomain) -> list[Problem]:
    if not found.dkim:
        return [yellow("DKIM was not checked. Set EMAIL_DKIM_SELECTORS.")]
    return [
        red(
            f"No DKIM key is published at {name}._domainkey.{found.domain}. Publish it, or correct"
            " EMAIL_DKIM_SELECTORS."
        )
        for name, records in found.dkim.items()
        if not any(_has_key(record) for record in records)
    ]


def _has_key(record: str) -> bool:
    """A key that was revoked is empty."""
    tags = dict(part.strip().partition("=")[::2] for part in record.split(";"))
    return bool(tags.get("p", "").strip())


def _beginning(version: str, records: Sequence[str]) -> list[str]:
    return [each for each in records if each.split(";")[0].split()[:1] == [version]]
