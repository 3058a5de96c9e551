"""Which secrets a site may run with. A default, a well-known or a short one is for a local machine
only; pure functions over the values. [O-7]

A machine is local if its database is the embedded one, ALLOWED_HOSTS names nothing but this machine
and BEHIND_TLS is off. SECRET_KEY is judged everywhere: on a local machine it is made, so one that
is set was chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fairwave.errors import Mistake

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1", ".localhost"})
SHORTEST_KEY, SHORTEST_SECRET = 50, 16
FEWEST_CHARACTERS = 5  # different ones, as Django asks of its key
WELL_KNOWN = frozenset(
    {
        *("123456", "12345678", "admin", "change-me", "change_me", "changeit", "changeme"),
        *("default", "demo", "dev", "development", "example", "fairwave", "letmein", "local"),
        *("localhost", "none", "pass", "passw0rd", "password", "postgres", "postgresql", "public"),
        *("qwerty", "replace-me", "root", "s3cret", "sandbox", "secret", "test", "testing", "todo"),
        *("token", "xxx", "your-secret", "your-token"),
    }
)
# as in Slack's documentation and in settings that were copied
PLACEHOLDERS = ("django-insecure", "changeme", "change-me", "change_me", "xxxxxxxx", "t00000000/b")


@dataclass(frozen=True)
class Secrets:
    """The settings that are judged, and whether the machine is local. `sms_token` is None where
    another SMS provider is chosen.
    """

    is_local: bool
    secret_key: str
    fallbacks: Sequence[str]
    sms_token: str | None
    receipt_secret: str
    infobip_secret: str
    anymail_webhook_secret: str
    metrics_token: str
    slack_webhook_url: str
    database_user: str
    database_password: str


def is_reached_by_others(allowed_hosts: Sequence[str], *, behind_tls: bool) -> bool:
    """Whether users of other machines can open the site."""
    return behind_tls or not LOOPBACK.issuperset(allowed_hosts)


def is_local(database_url: str, allowed_hosts: Sequence[str], *, behind_tls: bool) -> bool:
    """Whether defaults are good enough: nobody but this machine's user can reach the site."""
    return not database_url and not is_reached_by_others(allowed_hosts, behind_tls=behind_tls)


def problems(found: Secrets) -> Iterator[Mistake]:
    """What must not run, each with how to make a better one; no message holds a secret."""
    if not found.secret_key:
        yield Mistake(
            "SECRET_KEY",
            "It is not set. One is made only without DATABASE_URL, in a folder of Fairwave's own.",
            f"Set one key for all machines that share a database. {_made(64)}",
            "fairwave.E201",
        )
    elif problem := weakness(found.secret_key, SHORTEST_KEY):
        yield Mistake("SECRET_KEY", problem, _made(64), "fairwave.E202")
    for fallback in found.fallbacks:
        if problem := weakness(fallback, SHORTEST_KEY):
            hint = "Remove it: whoever guesses it can log in as anyone, just as with SECRET_KEY."
            yield Mistake("SECRET_KEY_FALLBACKS", f"One of them: {problem}", hint, "fairwave.E203")
    if not found.is_local:
        yield from _outside(found)


def _outside(found: Secrets) -> Iterator[Mistake]:
    """Further ones of a site that others can reach."""
    if found.sms_token is not None and (problem := weakness(found.sms_token, 1, distinct=1)):
        hint = "Set it to the token that the SMS provider gave you."
        yield Mistake("SMS_TOKEN", problem, hint, "fairwave.E204")
    if problem := weakness(found.receipt_secret, SHORTEST_SECRET):
        hint = f"Set it here and at the provider, which signs receipts with it. {_made(32)}"
        yield Mistake("RECEIPT_SECRET", problem, hint, "fairwave.E205")
    if found.infobip_secret and (problem := weakness(found.infobip_secret, SHORTEST_SECRET)):
        hint = f"Set it here and in Infobip's notification profile. {_made(32)}"
        yield Mistake("INFOBIP_SIGNATURE_SECRET", problem, hint, "fairwave.E209")
    password = found.anymail_webhook_secret.partition(":")[2]
    if found.anymail_webhook_secret and (problem := weakness(password, SHORTEST_SECRET)):
        hint = f"Write name:password, here and in the provider's address of events. {_made(32)}"
        problem = f"The password after the colon: {problem}"
        yield Mistake("ANYMAIL_WEBHOOK_SECRET", problem, hint, "fairwave.E210")
    if found.metrics_token and (problem := weakness(found.metrics_token, SHORTEST_SECRET)):
        yield Mistake("METRICS_TOKEN", problem, f"{_made(32)} Or remove it.", "fairwave.E206")
    if _is_guessed(found.database_password, found.database_user):
        problem = "The password in it is well known, or it is the name of the user."
        hint = f"Give the database user another password. {_made(32)}"
        yield Mistake("DATABASE_URL", problem, hint, "fairwave.E207")
    if problem := _open_address(found.slack_webhook_url):
        hint = "Copy the address of the webhook from Slack. It begins with https://."
        yield Mistake("SLACK_WEBHOOK_URL", problem, hint, "fairwave.E208")


def weakness(value: str, shortest: int, *, distinct: int = FEWEST_CHARACTERS) -> str:
    """What is wrong with a secret, as a sentence; empty if nothing."""
    plain = value.strip().lower()
    if plain in WELL_KNOWN or any(each in plain for each in PLACEHOLDERS):
        return "Its value is well known."
    if len(value) < shortest:
        return f"It has {len(value)} characters; at least {shortest} are needed."
    if len(set(value)) < distinct:
        return f"It repeats the same characters; at least {distinct} different ones are needed."
    return ""


def _is_guessed(password: str, user: str) -> bool:
    """A database without a password knows its users in another way."""
    return bool(password) and (password == user or bool(weakness(password, 1, distinct=1)))


def _open_address(url: str) -> str:
    """What is wrong with an address that is a secret itself."""
    if not url:
        return ""
    if any(each in url.lower() for each in PLACEHOLDERS):
        return "It is an example from documentation."
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        return "It is sent unencrypted, and whoever has it can write to your channel."
    return ""


def _made(size: int) -> str:
    return f'Make one with: python -c "import secrets; print(secrets.token_urlsafe({size}))"'
