"""The rules in force for a campaign: gathered from its options and lists, kept as a snapshot with
each file. [S-2, S-4]
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.db.models import Q

from campaigns import list_changes
from campaigns.choices import ListKind
from campaigns.contacts import phones
from campaigns.contacts.emails import EmailRules
from campaigns.errors import ListEntryInvalid, ListOutOfReach, NoBlacklist, UnreadableList
from campaigns.late_changes import is_late
from campaigns.models import Campaign, ListEntry
from campaigns.scoring.outcomes import Rules
from datalake.errors import NoSuchObject
from datalake.storage import buckets

BLACKLIST_KEY = "blacklist/emails.txt"
WHITELIST_KEY = "blacklist/whitelist.txt"
SHARED_KEYS: dict[str, str] = {ListKind.BLACKLIST: BLACKLIST_KEY, ListKind.WHITELIST: WHITELIST_KEY}
NO_BLACKLIST = "There was no blacklist for all campaigns."
PACKAGES = ("disposable-email-domains", "idna", "phonenumbers")


def gather(campaign: Campaign, files: Mapping[str, bytes] | None = None) -> Rules:
    """The rules as they are now, with these list files of the bucket, or those of `files_for`.
    Raises UnreadableList, ListEntryInvalid.
    """
    return Rules(
        email_rules=_email_rules(campaign, files_for(campaign) if files is None else files),
        home_countries=tuple(campaign.home_countries),
        allow_intl_phones=campaign.allow_intl_phones,
        require_confirmed_phone=campaign.require_confirmed_phone,
        min_score=campaign.min_score,
        max_fans_per_contact=campaign.max_fans_per_contact,
    )


def files_for(campaign: Campaign) -> dict[str, bytes]:
    """The list files that count for the campaign, by list: once luck could be known, those that are
    kept of it; else those of the bucket. Raises UnreadableList. [S-8]
    """
    kept = list_changes.kept_lists(campaign) if is_late(campaign) else {}
    return {
        kind: kept[kind] if kind in kept else content_of(key) for kind, key in SHARED_KEYS.items()
    }


def _email_rules(campaign: Campaign, files: Mapping[str, bytes]) -> EmailRules:
    """The shared lists of the bucket, and behind them the entries of the admin. Raises
    UnreadableList, ListEntryInvalid.
    """
    shared = {kind: _lines(SHARED_KEYS[kind], content) for kind, content in files.items()}
    lines = {kind.value: shared.get(kind, []) + list(_entries(campaign, kind)) for kind in ListKind}
    try:
        return EmailRules.compile(**lines)
    except ListEntryInvalid as error:
        in_bucket = len(shared.get(error.list_name, []))
        if error.line_number <= in_bucket:
            where = f"{SHARED_KEYS[error.list_name]} in the scoring bucket"
            raise ListEntryInvalid(where, error.line_number, error.hint) from None
        where = f"The {error.list_name} entries on the List entries page, sorted by pattern"
        raise ListEntryInvalid(where, error.line_number - in_bucket, error.hint) from None


def warnings_of(files: Mapping[str, bytes]) -> list[str]:
    """What a score file that is judged with these list files carries as warnings, in sentences.

    Raises NoBlacklist where there is no blacklist for all campaigns and REQUIRE_BLACKLIST is on;
    UnreadableList, ListEntryInvalid. [S-1]
    """
    lines = _lines(BLACKLIST_KEY, files.get(ListKind.BLACKLIST, b""))
    in_bucket = EmailRules.compile(blacklist=lines, whitelist=[])
    if in_bucket.addresses or in_bucket.domains or in_bucket.domain_patterns:
        return []
    if ListEntry.objects.filter(campaign=None, kind=ListKind.BLACKLIST).exists():
        return []
    if settings.REQUIRE_BLACKLIST:
        raise NoBlacklist(
            f"There is no blacklist for all campaigns, and REQUIRE_BLACKLIST is on. Put"
            f" {BLACKLIST_KEY} into the scoring bucket, or add list entries for all campaigns."
        )
    return [NO_BLACKLIST]


def count_entries(key: str) -> int:
    """How many entries the shared list at BLACKLIST_KEY or WHITELIST_KEY holds, read as `gather`
    reads it. [S-4]

    Raises UnreadableList, naming the line but not its content: that may be a person's
    address.
    """
    lines = {
        "blacklist": _lines(key, content_of(key)) if key == BLACKLIST_KEY else [],
        "whitelist": _lines(key, content_of(key)) if key == WHITELIST_KEY else [],
    }
    try:
        found = EmailRules.compile(**lines)
    except ListEntryInvalid as error:
        raise _unreadable(key, f"line {error.line_number} is not a valid entry") from None
    blacklisted = len(found.addresses) + len(found.domains) + len(found.domain_patterns)
    return blacklisted + len(found.whitelisted_addresses) + len(found.whitelist_patterns)


def _entries(campaign: Campaign, kind: ListKind) -> Iterable[str]:
    of_all_and_ours = ListEntry.objects.filter(Q(campaign=None) | Q(campaign=campaign), kind=kind)
    return of_all_and_ours.order_by("pattern").values_list("pattern", flat=True)


def content_of(key: str) -> bytes:
    """A list in the scoring bucket; one that is not there is empty, one that cannot be read is an
    error. Raises UnreadableList, ListOutOfReach.
    """
    bucket = buckets.scoring()
    try:
        with bucket.open(key) as file:
            return file.read()
    except NoSuchObject as error:
        if os.path.lexists(bucket.url_or_path(key)):
            raise _unreadable(key, "it is not a file") from error
        return b""
    except OSError as error:
        raise ListOutOfReach(f"{key} in the scoring bucket cannot be read ({error}).") from error


def _lines(key: str, content: bytes) -> list[str]:
    try:
        return list_changes.lines_of(content)
    except UnicodeDecodeError as error:
        raise _unreadable(key, error) from error


def _unreadable(key: str, why: object) -> UnreadableList:
    return UnreadableList(f"{key} in the scoring bucket cannot be read ({why}). Fix or remove it.")


def snapshot(rules: Rules) -> dict[str, Any]:
    """The rules and the versions that decide with them, as JSON values."""
    names = [field.name for field in fields(rules) if field.name != "email_rules"]
    options = {name: getattr(rules, name) for name in names}
    return {
        "options": options,
        "lists": json.loads(rules.email_rules.to_json()),
        "versions": dict(_versions()),
    }


@cache
def _versions() -> dict[str, str]:
    """Of what decides with the rules. Reading a package's version takes milliseconds."""
    found = {name: version(name) for name in PACKAGES}
    return found | {"phone metadata": phones.METADATA_VERSION}


def restore(kept: dict[str, Any]) -> Rules:
    """The rules of a snapshot, whatever the campaign's options and lists say by now."""
    options = kept["options"] | {"home_countries": tuple(kept["options"]["home_countries"])}
    return Rules(email_rules=EmailRules.from_json(json.dumps(kept["lists"])), **options)


def digest(kept: dict[str, Any]) -> str:
    """SHA-256 of the snapshot, hex; public with each score file. [S-10]"""
    return hashlib.sha256(
        json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()
