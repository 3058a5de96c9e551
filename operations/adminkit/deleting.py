"""Why a row cannot be deleted, in one sentence. [O-7]"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.contrib.admin.utils import NestedObjects
from django.db import router
from django.db.models import Model

from operations.plurals import plural


def protecting(row: Model) -> Iterable[Model]:
    """The rows that keep this one, or what would be deleted with it."""
    collector = NestedObjects(using=router.db_for_write(type(row)))
    collector.collect([row])
    return collector.protected


def refusal(row: Model, protectors: Iterable[Model]) -> str:
    """`User “ann” cannot be deleted because 2 waves refer to it.`"""
    counts = Counter(type(each) for each in protectors)
    named = [
        _counted(count, str(model._meta.verbose_name)) for model, count in counts.most_common()
    ]
    verb = "refers" if sum(counts.values()) == 1 else "refer"
    why = f"because {_listed(named)} {verb} to it" if named else "because other rows need it"
    what = str(row._meta.verbose_name)
    return f"{what[:1].upper()}{what[1:]} “{row}” cannot be deleted {why}."


def _counted(count: int, noun: str) -> str:
    """The noun's own plural: that of a list may be the list's title."""
    return plural(count, noun, f"{noun[:-1]}ies" if noun.endswith("y") else "")


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
