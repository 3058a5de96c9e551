"""A campaign's JSON file → campaign, markets, lists. Loading twice updates; the draw stays as it
is. [C-1, C-3]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction

from campaigns import list_changes, rule_changes
from campaigns.choices import (
    READ_ONLY,
    CampaignStatus,
    CodeSources,
    ListKind,
    NotifyChannels,
    ScoringType,
)
from campaigns.contacts import emails, phones
from campaigns.entropy import campaign_files
from campaigns.errors import BadCampaignFile, WrongStatus
from campaigns.models import SOURCE_FIELDS, Campaign, ListEntry, Market
from campaigns.opening import open_campaign, source_warnings
from operations.entry import values, wall_clock
from operations.entry.languages import language
from operations.errors import BadValue

TEXTS: tuple[str, ...] = (
    "name",
    "artist",
    "category_id",
    "time_zone",
    "product_id",
    "source",
    "entropy_source",
    "entropy_form",
)
TEXTS += ("code_prefix", "default_language", "quiet_hours")
CHOICES: Mapping[str, list[str]] = {
    "scoring_type": ScoringType.values,
    "code_source": CodeSources.values,
    "notify_channels": NotifyChannels.values,
}
FLAGS = ("allow_intl_phones", "require_confirmed_phone")
WHOLE = ("max_fans_per_contact", "code_length", "soft_start")
PLAIN = (*TEXTS, *CHOICES, *FLAGS, *WHOLE, "min_score", "home_countries")
DATES = ("registration_opens", "registration_closes", "entropy_public_at")
LISTS = {
    "blacklist": ListKind.BLACKLIST,
    "whitelist": ListKind.WHITELIST,
    "disposable_domains": ListKind.DISPOSABLE,
}
# `templates` belongs to the waves: its key is known here, and its content is left to them.
KNOWN = {"campaign_id", "status", "markets", "templates", "draw", *PLAIN, *DATES, *LISTS}
LONGEST_ENTRY = 254
MARKET_KEYS = {"market_id", "name", "capacity", "selection_time", "position", "event_ids"}
MARKET_KEYS |= {"time_zone"}


@dataclass(frozen=True)
class Loaded:
    """The campaign after loading, and what a person should know."""

    campaign: Campaign
    warnings: list[str]


@transaction.atomic
def load(document: Any, *, by: User | None = None, reason: str = "") -> Loaded:
    """Create or update a campaign from its JSON document; the rules of an open one only with a
    reason, and it opens only with a market. Raises BadCampaignFile, DrawIsLocked, WrongStatus,
    RuleChangeRefused, CapacityTooSmall; then nothing is written. [S-16]
    """
    try:
        return _load(document, by=by, reason=reason)
    except BadValue as error:
        raise BadCampaignFile(str(error)) from error


def _load(document: Any, *, by: User | None, reason: str) -> Loaded:
    _check_keys(document)
    document = {
        name: value.strip() if isinstance(value, str) else value for name, value in document.items()
    }
    campaign = (
        Campaign.objects.select_for_update(no_key=True)
        .filter(campaign_id=document["campaign_id"])
        .first()
    )
    is_new = campaign is None
    campaign = campaign or Campaign(campaign_id=document["campaign_id"])
    if campaign.status in READ_ONLY:
        raise WrongStatus(
            f"Campaign {campaign.campaign_id} is {campaign.status} and can no longer be changed."
        )
    options_before = {} if is_new else rule_changes.options_of(campaign.pk)
    given = {name: document[name] for name in PLAIN if name in document}
    if "default_language" in given:
        given["default_language"] = language("default_language", given["default_language"])
    given |= {name: values.instant(name, document[name]) for name in DATES if name in document}
    source = campaign_files.source_in(given, campaign)
    if campaign.seed:
        given = {name: value for name, value in given.items() if name not in SOURCE_FIELDS}
        campaign = campaign_files.keep_or_move(campaign, source, by=by, reason=reason)
    _write(campaign, given, "campaign")
    _load_markets(campaign, document.get("markets", []))
    with list_changes.late_lists([campaign], by=by, reason=reason):
        _load_lists(campaign, document, by)
    if not is_new:
        rule_changes.record(campaign, options_before, by=by, reason=reason)
    status_as_it_was = campaign.status
    campaign = _load_status(campaign, document, by)
    warnings = phones.shared_calling_code_warnings(campaign.home_countries)
    if status_as_it_was == CampaignStatus.OPEN:
        warnings += _left_as_they_are(campaign, document)
    elif campaign.status == CampaignStatus.OPEN:
        warnings += source_warnings(campaign)
    return Loaded(campaign, warnings)


def _left_as_they_are(campaign: Campaign, document: dict[str, Any]) -> list[str]:
    """What the file says otherwise, but an open campaign keeps. [C-2, S-8]"""
    found = []
    supplied = _supplied_draw(document.get("draw"))
    if supplied and (supplied["seed"], supplied["salt"]) != (
        bytes(campaign.seed or b""),
        bytes(campaign.salt or b""),
    ):
        found.append(
            "draw: the campaign's draw was locked when it opened. The seed and salt in the"
            " file are ignored."
        )
    if document.get("status") == CampaignStatus.DRAFT:
        found.append("status: the campaign is already open and stays open.")
    return found


def _check_keys(document: Any) -> None:
    if not isinstance(document, dict):
        raise BadCampaignFile("A campaign file must contain one JSON object.")
    values.fit("The campaign file", document)
    if missing := [
        name for name in ("campaign_id", "name") if not str(document.get(name) or "").strip()
    ]:
        raise BadCampaignFile(f"The campaign is missing {' and '.join(missing)}.")
    if not all(isinstance(document[name], str) for name in ("campaign_id", "name")):
        raise BadCampaignFile("campaign_id and name must be texts. Put them in quotes.")
    if unknown := sorted(set(document) - KNOWN):
        raise BadCampaignFile(
            f"The campaign has unknown keys: {', '.join(unknown)}. Known are:"
            f" {', '.join(sorted(KNOWN))}."
        )
    _check_types(document)


def _check_types(document: dict[str, Any]) -> None:
    """One kind of value for each key; what it may be besides, its column says."""
    kinds: list[tuple[tuple[str, ...], Callable[[str, Any], object]]] = [
        (TEXTS, values.text),
        (FLAGS, values.flag),
        (WHOLE, values.whole),
        (tuple(LISTS), partial(values.texts, longest=LONGEST_ENTRY)),
        (("min_score",), partial(values.number, most=1)),
        (("status",), partial(values.word, allowed=CampaignStatus.values)),
        *(((name,), partial(values.word, allowed=words)) for name, words in CHOICES.items()),
    ]
    for names, judge in kinds:
        for name in names:
            if name in document:
                judge(name, document[name])


def _write(instance: Campaign | Market, columns: Mapping[str, Any], what: str) -> None:
    """Insert a new row, or write the columns that change. Raises BadCampaignFile."""
    is_new = instance.pk is None
    changed = [name for name, value in columns.items() if getattr(instance, name) != value]
    for name in changed:
        setattr(instance, name, columns[name])
    _validated(instance, what)
    if is_new:
        instance.save(force_insert=True)
    elif changed:
        instance.save(update_fields=changed)


def _validated(instance: Campaign | Market, what: str) -> None:
    try:
        if isinstance(instance, Campaign):
            _check_countries_and_zone(instance)
        instance.full_clean(validate_unique=False)
    except ValidationError as error:
        named = {
            "" if field == NON_FIELD_ERRORS else f"{field}: ": texts
            for field, texts in error.message_dict.items()
        }
        problems = [f"{field}{' '.join(texts)}" for field, texts in named.items()]
        raise BadCampaignFile(f"The {what} cannot be used. " + " ".join(problems)) from error


def _check_countries_and_zone(campaign: Campaign) -> None:
    countries = campaign.home_countries
    if (
        not isinstance(countries, list)
        or not countries
        or any(len(str(c)) != 2 or not str(c).isupper() for c in countries)
    ):
        raise BadCampaignFile(
            'home_countries: write a list of two-letter codes, such as ["US", "CA"].'
        )
    if unknown := [country for country in countries if not phones.is_known_region(country)]:
        raise BadCampaignFile(
            f"home_countries: {', '.join(unknown)} is not a country with phone numbers."
        )
    wall_clock.zone_named("time_zone", campaign.time_zone)


def _load_markets(campaign: Campaign, markets: Any) -> None:
    if not isinstance(markets, list) or not all(isinstance(market, dict) for market in markets):
        raise BadCampaignFile("markets: write a list of objects.")
    ids = [market.get("market_id") for market in markets]
    if not all(isinstance(market_id, str | None) for market_id in ids):
        raise BadCampaignFile("markets: each market_id must be a text. Put it in quotes.")
    if len(set(ids)) < len(ids):
        raise BadCampaignFile("markets: two markets have the same market_id.")
    for position, given in enumerate(markets):
        _load_market(campaign, given, position)


def _load_market(campaign: Campaign, given: dict[str, Any], position: int) -> None:
    name = given.get("market_id") or f"number {position + 1}"
    if unknown := sorted(set(given) - MARKET_KEYS):
        raise BadCampaignFile(f"Market {name} has unknown keys: {', '.join(unknown)}.")
    if missing := [key for key in ("market_id", "capacity", "selection_time") if key not in given]:
        raise BadCampaignFile(f"Market {name} is missing {', '.join(missing)}.")
    what = f"Market {name}"
    zone = values.text(f"{what}, time_zone", given.get("time_zone", ""))
    market = Market.objects.filter(campaign=campaign, market_id=given["market_id"]).first()
    market = market or Market(campaign=campaign, market_id=given["market_id"])
    columns = {
        "name": values.text(f"{what}, name", given.get("name", given["market_id"])),
        "capacity": values.whole(f"{what}, capacity", given["capacity"]),
        "selection_time": values.instant(f"{what}, selection_time", given["selection_time"]),
        "position": values.whole(f"{what}, position", given.get("position", position)),
        "event_ids": values.texts(f"{what}, event_ids", given.get("event_ids", [])),
        "time_zone": wall_clock.zone_named(f"{what}, time_zone", zone).key if zone else "",
    }
    _write(market, columns, f"market {name}")


def _load_lists(campaign: Campaign, document: dict[str, Any], by: User | None) -> None:
    """The file's lists replace the campaign's own, whose entries stay as they are where the file
    has them too; a line that cannot be read is refused here, not at the first upload.
    """
    given = {kind: document[key] for key, kind in LISTS.items() if key in document}
    emails.EmailRules.compile(
        blacklist=given.get(ListKind.BLACKLIST, []),
        whitelist=given.get(ListKind.WHITELIST, []),
        disposable=given.get(ListKind.DISPOSABLE, []),
    )
    for kind, patterns in given.items():
        entries, wanted = ListEntry.objects.filter(campaign=campaign, kind=kind), set(patterns)
        as_before = set(entries.values_list("pattern", flat=True))
        deleted, added = as_before - wanted, wanted - as_before
        entries.filter(pattern__in=deleted).delete()
        ListEntry.objects.bulk_create(
            ListEntry(campaign=campaign, kind=kind, pattern=pattern) for pattern in sorted(added)
        )
        list_changes.record(campaign, kind, list_changes.DELETED, len(deleted), by=by)
        list_changes.record(campaign, kind, list_changes.ADDED, len(added), by=by)


def _load_status(campaign: Campaign, document: dict[str, Any], by: User | None) -> Campaign:
    wanted = document.get("status", campaign.status)
    if wanted not in {CampaignStatus.DRAFT, CampaignStatus.OPEN}:
        raise BadCampaignFile(
            f"status: a campaign file can set draft or open, not {wanted!r}. To close a"
            " campaign, run close_campaign."
        )
    supplied = _supplied_draw(document.get("draw"))
    if wanted == CampaignStatus.OPEN and campaign.status == CampaignStatus.DRAFT:
        return open_campaign(
            campaign.pk, by=by, seed=supplied.get("seed"), salt=supplied.get("salt")
        )
    return campaign


def _supplied_draw(given: Any) -> dict[str, bytes]:
    if given is None:
        return {}
    try:
        draw = {name: bytes.fromhex(given[name]) for name in ("seed", "salt")}
    except (KeyError, TypeError, ValueError) as error:
        raise BadCampaignFile("draw: enter both seed and salt, with 64 hex digits each.") from error
    if any(len(secret) != 32 for secret in draw.values()):
        raise BadCampaignFile("draw: seed and salt must have 64 hex digits each.")
    return draw
