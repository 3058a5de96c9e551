"""The config of an uploaded wave, as JSON from a form, a file or another service. Pure. [W-3]"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

from operations.entry import values
from operations.errors import BadValue
from waves.errors import BadWaveConfig
from waves.naming import code_validity

MOST_BYTES: Final = 100_000
LONGEST: Final = 80  # of ids, as the columns are
REQUIRED: Final = ("campaignId", "notifyDate", "productId", "source", "generateOfferCode")
# `genCodes` is what other services see while codes are made: it says nothing about the wave.
OPTIONAL: Final = ("categoryId", "options", "beginDate", "endDate", "genCodes")
ALLOW_INTL: Final = "allowIntlPhones"
Value = TypeVar("Value")


@dataclass(frozen=True)
class WaveConfig:
    """A judged config. `options` are kept as they came; `begin` and `end` are None where it does
    not name them.
    """

    campaign_id: str
    notify_date: datetime
    product_id: str
    source: str
    generate_offer_code: bool
    category_id: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    begin: datetime | None = None
    end: datetime | None = None


def read_config(content: bytes) -> WaveConfig:
    """A config file. Raises BadWaveConfig, with a sentence that names the key."""
    if len(content) > MOST_BYTES:
        raise BadWaveConfig(
            f"The config is larger than {MOST_BYTES:,} bytes, which is the limit. Check that it is"
            " the right file."
        )
    return config_of(_judged(values.json_of, "config", content))


def config_of(document: Any) -> WaveConfig:
    """A config that was read already. Raises BadWaveConfig."""
    if not isinstance(document, dict):
        raise BadWaveConfig("The config must be a JSON object.")
    if missing := [key for key in REQUIRED if key not in document]:
        raise BadWaveConfig(
            f"The config is missing {_named(missing)}. Required: {', '.join(REQUIRED)}."
        )
    if unknown := sorted(set(document) - {*REQUIRED, *OPTIONAL}):
        raise BadWaveConfig(
            f"The config has the unknown {_named(unknown)}. Known: {', '.join(REQUIRED)},"
            f" {', '.join(OPTIONAL)}. Put keys of your own into options."
        )
    return WaveConfig(
        campaign_id=_judged(partial(values.text, longest=40), "campaignId", document["campaignId"]),
        notify_date=_judged(
            partial(values.instant, years=values.NOTIFY_YEARS),
            "notifyDate",
            document["notifyDate"],
        ),
        product_id=_text(document, "productId"),
        source=_text(document, "source"),
        generate_offer_code=_judged(
            values.flag, "generateOfferCode", document["generateOfferCode"]
        ),
        category_id=_text(document, "categoryId"),
        options=_options(document.get("options")),
        begin=_instant_or_none(document, "beginDate"),
        end=_instant_or_none(document, "endDate"),
    )


def require_usable(config: WaveConfig, *, time_zone: str, now: datetime) -> None:
    """Refuse a notify date that has passed, and codes valid at other times than the rule says.
    Raises BadWaveConfig. [W-3, K-2]
    """
    if config.notify_date <= now:
        raise BadWaveConfig(
            f"notifyDate: {config.notify_date.isoformat()} has passed. Choose a later date."
        )
    begin, end = code_validity(config.notify_date, time_zone)
    for key, given, due in (("beginDate", config.begin, begin), ("endDate", config.end, end)):
        if given is not None and given != due:
            raise BadWaveConfig(
                f"{key}: {given.isoformat()} is not what follows from the notify date, which is"
                f" {due.isoformat()}. Correct it or leave it out."
            )


def _text(document: Mapping[str, Any], key: str) -> str:
    held = document.get(key)
    return "" if held is None else _judged(partial(values.text, longest=LONGEST), key, held)


def _instant_or_none(document: Mapping[str, Any], key: str) -> datetime | None:
    held = document.get(key)
    return None if held is None else _judged(values.instant, key, held)


def _options(held: Any) -> Mapping[str, Any]:
    if held is None:
        return {}
    if not isinstance(held, dict):
        raise BadWaveConfig(f"options: write an object, not {values.shown(held)}.")
    if held.get(ALLOW_INTL) is not None:
        _judged(values.flag, f"options.{ALLOW_INTL}", held[ALLOW_INTL])
    return held


def _judged(judge: Callable[[str, Any], Value], key: str, held: Any) -> Value:
    try:
        return judge(key, held)
    except BadValue as error:
        raise BadWaveConfig(str(error)) from error


def _named(keys: list[str]) -> str:
    return f"key{'s' * (len(keys) > 1)} {', '.join(map(values.shown, keys))}"
