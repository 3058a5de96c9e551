"""The environment, read once and typed: the only place that looks at it. Mistakes are collected for
`check` (checks.py).
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from contextlib import suppress
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from fairwave.errors import Mistake

ROOT = Path(__file__).resolve().parent.parent
_env = environ.Env()


mistakes: list[Mistake] = []

CONTACT = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+|\+[1-9][0-9]{6,14}")


def text(name: str, default: str = "") -> str:
    """The trimmed value; an empty one is an absent one."""
    return str(_env.str(name, default="")).strip() or default


def words(name: str, default: str = "") -> list[str]:
    return [word for part in text(name, default).split(",") if (word := part.strip())]


def switch(name: str, default: bool) -> bool:
    value = text(name, "on" if default else "off").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value not in {"0", "false", "no", "off"}:
        mistakes.append(Mistake(name, f"{value!r} is neither on nor off.", "Write on or off."))
        return default
    return False


def whole(name: str, default: int, *, least: int = 1, most: int = 1_000_000) -> int:
    value = text(name, str(default))
    if not value.isdecimal() or not least <= int(value) <= most:
        mistakes.append(
            Mistake(
                name, f"{value!r} is not a whole number from {least} to {most}.", f"Try {default}."
            )
        )
        return default
    return int(value)


def choice(name: str, default: str, allowed: list[str]) -> str:
    value = text(name, default)
    if value not in allowed:
        mistakes.append(
            Mistake(name, f"{value!r} is not known.", f"Use one of: {', '.join(allowed)}.")
        )
        return default
    return value


def address(name: str, default: str = "") -> str:
    value = text(name, default)
    if value and not re.fullmatch(r"https?://[^/\s]+\S*", value):
        mistakes.append(
            Mistake(
                name, f"{value!r} is not an http or https address.", "Write it with its scheme."
            )
        )
        return default
    return value


def redis(name: str) -> str:
    """The address of a Redis, with the seconds after which one that does not answer is away."""
    value = text(name)
    if not value:
        return ""
    if not re.fullmatch(r"(rediss?://[^/\s?]+|unix:///)[^\s?]*(\?\S+)?", value):
        problem = "It is not the address of a Redis."
        mistakes.append(Mistake(name, problem, "Write rediss://:PASSWORD@HOST:6379/0."))
        return ""
    given = {"socket_connect_timeout": "3", "socket_timeout": "10"} | dict(
        parse_qsl(urlsplit(value).query)
    )
    return f"{value.split('?')[0]}?{urlencode(given)}"


def addresses(name: str, default: str) -> list[str]:
    """Several of them, separated by commas."""
    found = []
    for word in words(name, default):
        if re.fullmatch(r"https?://[^/\s]+\S*", word):
            found.append(word)
            continue
        problem = f"{word!r} is not an http or https address."
        mistakes.append(Mistake(name, problem, "Write it with its scheme."))
    return found


def contacts(name: str) -> list[str]:
    """E-mail addresses and phone numbers in E.164, separated by commas."""
    found = words(name)
    if odd := [each for each in found if not CONTACT.fullmatch(each)]:
        problem = f"{odd[0]!r} is neither an e-mail address nor a phone number."
        mistakes.append(Mistake(name, problem, "Write phone numbers as +12065550100."))
    return found


def prices(name: str) -> dict[str, Decimal]:
    """A JSON object of two-letter country codes and prices, such as {"US": "0.0079"}."""
    if not (value := text(name)):
        return {}
    try:
        given = json.loads(value, parse_float=Decimal, parse_int=Decimal)
        found = {str(code): Decimal(str(price)) for code, price in given.items()}
    except (ValueError, ArithmeticError, AttributeError, RecursionError):
        found = {"": Decimal(0)}
    if all(
        re.fullmatch("[A-Z]{2}", code) and price.is_finite() and 0 <= price < 1_000_000
        for code, price in found.items()
    ):
        return found
    problem = "It is not a JSON object of two-letter country codes and prices."
    mistakes.append(Mistake(name, problem, 'Write for example {"US": "0.0079", "CA": "0.0083"}.'))
    return {}


def json_object(name: str) -> dict[str, object]:
    """A JSON object, such as {"POSTMARK_SERVER_TOKEN": "…"}."""
    found: object = None
    with suppress(ValueError, RecursionError):
        found = json.loads(text(name, "{}"))
    if isinstance(found, dict):
        return found
    mistakes.append(Mistake(name, "It is not a JSON object.", 'Write for example {"NAME": "x"}.'))
    return {}


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and networks, such as 10.0.0.0/8. One that holds every address is refused."""
    found = []
    for word in words(name):
        try:
            network = ip_network(word)
        except ValueError:
            problem = f"{word!r} is not an address or a network."
        else:
            network = _as_ipv4(network)
            if network.prefixlen:
                found.append(network)
                continue
            problem = f"{word!r} is every address there is."
        mistakes.append(Mistake(name, problem, "Write for example 10.0.0.0/8, or 10.0.0.7."))
    return found


def _as_ipv4(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Addresses are compared as IPv4 where they are IPv4 written as IPv6 (addresses.py)."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:
        return network
    return IPv4Network((mapped, network.prefixlen - 96))


def data_folder() -> Path:
    """FAIRWAVE_DATA: database, buckets and logs of this machine; relative paths count from the
    project.
    """
    return (ROOT / text("FAIRWAVE_DATA", ".data")).absolute()


def secret_key(data: Path) -> str:
    """SECRET_KEY, or on a machine without one a key made once and kept with the data, readable by
    its owner only. Nothing where DATABASE_URL is set: each machine would make another, so the check
    stops the start, and Django refuses to sign anything.
    """
    if given := text("SECRET_KEY"):
        return given
    if text("DATABASE_URL"):
        return ""
    kept = data / "secret-key"
    if not kept.exists():
        data.mkdir(parents=True, exist_ok=True)
        mine = data / f"secret-key.{secrets.token_hex(4)}"
        mine.touch(mode=0o600)
        mine.write_text(secrets.token_urlsafe(64))
        with suppress(FileExistsError):
            kept.hardlink_to(mine)  # the first of several processes wins
        mine.unlink()
    if not (key := kept.read_text().strip()):
        hint = "Delete the file: the next start makes another key."
        mistakes.append(Mistake("SECRET_KEY", f"{kept} is empty.", hint))
    return key


def process_name() -> str:
    """What this process is, as PostgreSQL shows it in pg_stat_activity: `fairwave qcluster`, else
    `fairwave web`.
    """
    command = sys.argv[1] if Path(sys.argv[0]).name == "manage.py" and len(sys.argv) > 1 else "web"
    return f"fairwave {command}"


def database(data: Path) -> dict[str, object]:
    """The DATABASES entry: DATABASE_URL, else the embedded server of `data`."""
    found = _named_database(text("DATABASE_URL"))
    if not found:
        from fairwave import embedded

        found = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": str(embedded.socket_folder(data)),
            "NAME": embedded.DATABASE,
            "USER": embedded.USER,
        }
    test_name = text("FAIRWAVE_TEST_DB", "test_fairwave")
    given = cast("dict[str, object]", found.get("OPTIONS", {}))
    return (
        found
        | {"OPTIONS": session_options() | given}
        | {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True, "TEST": {"NAME": test_name}}
    )


def session_options() -> dict[str, object]:
    """What every session begins with: how long a statement, a wait for a lock and an idle
    transaction may take, and that a connection whose other side is gone is noticed within a minute,
    here and in the server.
    """
    limits = {
        "statement_timeout": 1_000 * whole("DATABASE_STATEMENT_SECONDS", 300, most=86_400),
        "lock_timeout": 1_000 * whole("DATABASE_LOCK_SECONDS", 30, most=86_400),
        "idle_in_transaction_session_timeout": 1_000
        * whole("DATABASE_IDLE_SECONDS", 60, most=86_400),
    }
    if process_name() == "fairwave migrate":  # an index over a large table takes its time
        limits["statement_timeout"] = 0
    watched = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    of_server = limits | {f"tcp_{name}": value for name, value in watched.items()}
    return watched | {
        "application_name": process_name(),
        "connect_timeout": 10,
        "tcp_user_timeout": 60_000,
        "options": " ".join(f"-c {name}={value}" for name, value in of_server.items()),
    }


def _named_database(url: str) -> dict[str, object]:
    """DATABASE_URL as Django has it; nothing if it is absent, or wrong: the check then stops the
    start.
    """
    if not url:
        return {}
    found: dict[str, object] = {}
    with suppress(ValueError, KeyError, ImproperlyConfigured):
        found = dict(environ.Env.db_url_config(url))
    if found.get("ENGINE") == "django.db.backends.postgresql" and found.get("NAME"):
        return found
    mistakes.append(
        Mistake(
            "DATABASE_URL",
            "It is not the address of a PostgreSQL database.",
            "Write postgresql://user@host/name.",
        )
    )
    return {}


class MailServer(NamedTuple):
    """Where e-mails go: Django's backend, and what it needs to know. `folder`: of one that writes
    files.
    """

    backend: str
    folder: Path
    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = ""
    starts_tls: bool = False
    is_tls: bool = False


MAIL = "django.core.mail.backends.{}.EmailBackend"
SMTP_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}


def mail_server(name: str, folder: Path) -> MailServer:
    """From `smtp+tls://user:password@host:port` (smtp+ssl, smtp), or from `file:///folder`; by
    default files below FAIRWAVE_DATA.
    """
    value = text(name)
    files = MailServer(MAIL.format("filebased"), folder)
    if not value:
        return files
    with suppress(ValueError):
        parts = urlsplit(value)
        if parts.scheme == "file" and not parts.netloc and parts.path.strip("/"):
            return files._replace(folder=Path(parts.path))
        if parts.scheme in SMTP_PORTS and parts.hostname:
            return MailServer(
                MAIL.format("smtp"),
                folder,
                parts.hostname,
                parts.port or SMTP_PORTS[parts.scheme],
                unquote(parts.username or ""),
                unquote(parts.password or ""),
                starts_tls=parts.scheme == "smtp+tls",
                is_tls=parts.scheme == "smtp+ssl",
            )
    mistakes.append(
        Mistake(
            name,
            "It is not the address of a mail server or a folder.",
            "Write smtp+tls://user:password@host:587, or file:///folder.",
        )
    )
    return files


def bucket(name: str, folder: Path, endpoint: str = "") -> dict[str, object]:
    """A STORAGES entry for a bucket setting: `s3://name/prefix`, else a folder (by default one
    below FAIRWAVE_DATA).
    """
    value = text(name)
    if not value.startswith("s3://"):
        location = (ROOT / value).absolute() if value else folder
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(location)},
        }
    parts = urlsplit(value)
    if not parts.netloc:
        mistakes.append(
            Mistake(name, f"{value!r} is not a bucket.", "Write s3://bucket or s3://bucket/prefix.")
        )
    options = {
        "bucket_name": parts.netloc,
        "location": parts.path.strip("/"),
        "endpoint_url": endpoint or None,
        # S3 takes no older one for presigned uploads to buckets made since 2020
        "signature_version": "s3v4",
        # else uploads are redirected to the region
        "addressing_style": None if endpoint or "." in parts.netloc else "virtual",
        "file_overwrite": True,
        "default_acl": None,
        "querystring_auth": True,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
