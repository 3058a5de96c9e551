"""A second campaign beside that of `one_of_each`, with a row of each kind, all under one number and
one name; and what became of its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Model, Q

from campaigns.models import Campaign
from tests.support.site.one_of_each import of_a_campaign, one_of_each_kind
from waves.choices import CodeState
from waves.models import Assignment, Code, Member, Resend

PK, NAME, REQUEST = 987655, "ANOTHER", UUID(int=987655)
Rows = dict[Any, tuple[Any, ...]]


def another_campaign() -> Campaign:
    """Its market, a fan, their code and the first of each kind of row go by NAME or by PK; the
    numbers of the others begin with PK.
    """
    campaign = one_of_each_kind(PK, NAME, market=NAME, fan=NAME)
    of_a_campaign(campaign, fans=(NAME, f"{NAME}-2"), digest="e" * 64)
    member = Member.objects.get(campaign=campaign, global_user_id=NAME)
    assigned_code(member, NAME, pk=PK)
    Resend.objects.create(
        pk=PK,
        request=REQUEST,
        key=REQUEST,
        by=User.objects.create_user(NAME, pk=PK),
        why="the phone was lost",
        wave=member.wave,
        member=member,
        channel="sms",
        contact="+12065550100",
        is_corrected=False,
    )
    return campaign


def assigned_code(member: Member, code: str, **values: Any) -> None:
    """The member was sent this code."""
    own = {
        "campaign": member.campaign,
        "global_user_id": member.global_user_id,
        "market": member.market,
        "wave": member.wave,
    }
    begins_at = member.wave.notify_date
    valid = {"begins_at": begins_at, "ends_at": begins_at + timedelta(days=1)}
    made = Code.objects.create(code=code, state=CodeState.ASSIGNED, **valid, **own, **values)
    Assignment.objects.create(code=made, assigned_at=begins_at, **own, **values)


class Kept:
    """The rows of one campaign as they were, to compare with."""

    def __init__(self, number: int, name: str) -> None:
        self._number, self._name = number, name
        self._before = {model: self._rows(model) for model in apps.get_models()}

    def changes(self, tables: Iterable[str]) -> list[str]:
        """What became of them in these tables, as rows that were added, changed or removed."""
        wanted = set(tables)
        return [
            f"{model._meta.label} {pk}"
            for model, before in self._before.items()
            if model._meta.db_table in wanted
            for pk in _differing(before, self._rows(model))
        ]

    def shared(self, tables: Iterable[str], other: Kept) -> list[str]:
        """Rows in these tables that belong to both campaigns."""
        wanted = set(tables)
        return [
            f"{model._meta.label} {pk}"
            for model in self._before
            if model._meta.db_table in wanted
            for pk in self._rows(model).keys() & other._rows(model).keys()
        ]

    def _rows(self, model: type[Model]) -> Rows:
        found = model._base_manager.filter(self._owned(model)).order_by()
        names = [field.attname for field in model._meta.concrete_fields]
        return {row[0]: row[1:] for row in found.values_list("pk", *names)}

    def _owned(self, model: type[Model]) -> Q:
        """By a campaign, however far away; by the subject's name or number; or by its own number."""
        own = Q(pk__in=[])
        for path in _paths(model):
            own |= Q(**{path: self._number})
        names = {field.name for field in model._meta.concrete_fields}
        if "subject_id" in names:
            own |= Q(subject_id__startswith=self._name) | Q(subject_id__startswith=self._number)
        if model._meta.pk.get_internal_type() == "BigAutoField":
            first = self._number * 100
            own |= Q(pk=self._number) | Q(pk__range=(first, first + 99))
        return own


def _differing(before: Rows, after: Rows) -> list[Any]:
    pks = before.keys() | after.keys()
    return sorted(pk for pk in pks if before.get(pk) != after.get(pk))


def _paths(model: type[Model], seen: tuple[type[Model], ...] = ()) -> Iterator[str]:
    """Each way from a row to a campaign, by keys: `wave__campaign`, `market__campaign`."""
    if model is Campaign:
        yield "pk"
        return
    for field in model._meta.concrete_fields:
        to = field.related_model
        if isinstance(to, type) and issubclass(to, Model) and to not in (*seen, model, User):
            for path in _paths(to, (*seen, model)):
                yield field.name if path == "pk" else f"{field.name}__{path}"
                break
