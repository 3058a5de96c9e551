"""The lists that decide about e-mail addresses, read once from their lines and kept as a snapshot.
[S-2, S-4]
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache

import disposable_email_domains

from campaigns.contacts.addresses import idna_form, is_address, is_domain
from campaigns.errors import ListEntryInvalid
from operations.entry.trimming import trim

_DOMAIN_PATTERN = re.compile(r"[a-z0-9.*-]+")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_ADDRESS_OR_DOMAIN_HINT = "write an address, @domain or @pattern*; only * has a special meaning"


@dataclass(frozen=True)
class EmailRules:
    """The lists in force, lower-cased, domains in IDNA form. Made by `compile`, kept by `to_json`.
    [S-2, S-4]
    """

    addresses: frozenset[str]
    domains: frozenset[str]
    domain_patterns: frozenset[str]
    whitelisted_addresses: frozenset[str]
    whitelist_patterns: frozenset[str]
    disposable: frozenset[str]

    @classmethod
    def compile(
        cls, *, blacklist: Iterable[str], whitelist: Iterable[str], disposable: Iterable[str] = ()
    ) -> EmailRules:
        """Read the lists' lines; blank lines and `#` comments are skipped. The packaged disposable
        domains are always in.

        Raises ListEntryInvalid, naming the line, for one that can match nothing.
        """
        blocked = [_blacklist_entry(line, n) for n, line in _entries(blacklist)]
        allowed = [_whitelist_entry(line, n) for n, line in _entries(whitelist)]
        throwaway = {_disposable_entry(line, n) for n, line in _entries(disposable)}
        return cls(
            addresses=frozenset(entry for entry in blocked if not entry.startswith("@")),
            domains=frozenset(
                entry[1:] for entry in blocked if entry.startswith("@") and "*" not in entry
            ),
            domain_patterns=frozenset(
                entry[1:] for entry in blocked if entry.startswith("@") and "*" in entry
            ),
            whitelisted_addresses=frozenset(entry for entry in allowed if "*" not in entry),
            whitelist_patterns=frozenset(entry for entry in allowed if "*" in entry),
            disposable=packaged_disposable_domains() | throwaway,
        )

    def domain_regex(self) -> str | None:
        """One anchored expression for all domain patterns, or None if there are none."""
        return _any_of(self.domain_patterns)

    def whitelist_regex(self) -> str | None:
        """One anchored expression for all whitelist patterns, or None if there are none."""
        return _any_of(self.whitelist_patterns)

    def to_json(self) -> str:
        """The snapshot: the same text for the same rules, whatever the order of the lists' lines.
        [S-2]
        """
        return json.dumps(
            {field.name: sorted(getattr(self, field.name)) for field in fields(self)},
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> EmailRules:
        """The rules of a snapshot; nothing is added to them."""
        return cls(**{name: frozenset(values) for name, values in json.loads(text).items()})

    def digest(self) -> str:
        """SHA-256 of the snapshot, hex. [S-2]"""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@cache
def packaged_disposable_domains() -> frozenset[str]:
    """The disposable domains that the package knows, without those it allows."""
    return frozenset(disposable_email_domains.blocklist) - frozenset(
        disposable_email_domains.allowlist
    )


def _entries(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Line number and lower-cased text of each line that says something."""
    for number, line in enumerate(lines, start=1):
        text = trim(_COMMENT.sub("", trim(line))).lower()
        if text:
            yield number, text


def _blacklist_entry(text: str, number: int) -> str:
    local, at, domain = text.rpartition("@")
    entry = f"{local}{at}{_idna_labels(domain)}"
    has_no_local = at and not local
    known = _is_domain_or_pattern(entry[1:]) if has_no_local else is_address(entry)
    if not known:
        raise ListEntryInvalid("blacklist", number, _ADDRESS_OR_DOMAIN_HINT)
    return entry


def _whitelist_entry(text: str, number: int) -> str:
    local, at, domain = text.rpartition("@")
    entry = f"{local}{at}{_idna_labels(domain)}"
    if entry.startswith("@"):
        hint = (
            "@domain does not match a complete address; write *@domain to match everyone"
            " at a domain"
        )
        raise ListEntryInvalid("whitelist", number, hint)
    if (
        not entry.isascii()
        or re.search(r"\s", entry)
        or ("*" not in entry and not is_address(entry))
    ):
        raise ListEntryInvalid(
            "whitelist", number, "write an address or a pattern, such as vip*@example.com"
        )
    return entry


def _disposable_entry(text: str, number: int) -> str:
    domain = _idna_labels(text.removeprefix("@"))
    if not is_domain(domain):
        raise ListEntryInvalid(
            "disposable domains", number, "write one domain per line, such as throw.example"
        )
    return domain


def _is_domain_or_pattern(text: str) -> bool:
    return bool(_DOMAIN_PATTERN.fullmatch(text)) if "*" in text else is_domain(text)


def _idna_labels(domain: str) -> str:
    """Labels that are not ASCII in IDNA form; what has none stays, and is then refused for what it
    is.
    """
    return ".".join(
        label if "*" in label else idna_form(label) or label for label in domain.split(".")
    )


def _any_of(patterns: frozenset[str]) -> str | None:
    if not patterns:
        return None
    return "^(?:" + "|".join(re.escape(p).replace(r"\*", ".*") for p in sorted(patterns)) + ")$"
