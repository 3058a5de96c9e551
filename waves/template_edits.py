"""What a change of templates, or of the campaign, does to waves: those whose messages it changes
lose their approval. [X-5, W-2]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from waves.approval import APPROVED, CHANGEABLE, renew
from waves.choices import Audience, Channel, WaveState
from waves.digest import changed_among
from waves.messages.templates import audience_of, template_rows, templates_for, texts_in
from waves.models import Template, Wave


@dataclass(frozen=True)
class TemplateEdit:
    """A template as it is stored, and as it will be: None where it is added or deleted. `after` is
    not saved.
    """

    before: Template | None
    after: Template | None

    @property
    def scope(self) -> Q:
        """The waves of the campaigns that use it; of all where it is for all."""
        return scope_of({row.campaign_id for row in (self.before, self.after) if row is not None})


def scope_of(campaigns: set[int | None]) -> Q:
    """The waves of these campaigns; of all where None is among them."""
    return Q() if None in campaigns else Q(campaign__in=campaigns)


def losing_approval(edit: TemplateEdit) -> list[Wave]:
    """Approved waves whose messages the edit would change, the next due first. Raises BadTemplate
    where one of them could not be sent any more. [X-5, K-3]
    """
    waves = list(_waves(edit.scope, APPROVED).order_by("notify_date", "id"))
    rows = template_rows({wave.campaign_id for wave in waves})
    if edit.before is not None:
        rows = [row for row in rows if row.pk != edit.before.pk]
    if edit.after is not None:
        rows.append(edit.after)
    return [wave for wave in waves if _would_change(wave, rows)]


def campaigns_changed(scope: Q) -> set[int]:
    """The keys of the campaigns of the waves that an edit may change. They are locked before the
    template is: campaign → wave → rows.
    """
    return set(_waves(scope, CHANGEABLE).values_list("campaign_id", flat=True))


@transaction.atomic
def renew_waves(scope: Q, *, by: User | None, reason: str) -> list[Wave]:
    """Waves whose messages have changed take them over; those that lost an approval. Call it in the
    transaction of the change. [X-5]
    """
    changed = changed_among(_waves(scope, CHANGEABLE).order_by("campaign_id", "id"))
    return [wave for wave in changed if renew(wave.pk, by=by, reason=reason)]


def campaign_edited(campaign_pk: int, by: User | None) -> list[str]:
    """After an edit of the campaign, or its file: what people are told of lost approvals. [X-5]"""
    lost = renew_waves(Q(campaign=campaign_pk), by=by, reason="campaign changed")
    return [f"These waves have lost their approval: {listed(lost)}."] if lost else []


def words_for(template: Template) -> str:
    """The template in words: its channel, market, audience and language."""
    place = f"market {template.market.name}" if template.market else "every market"
    if template.audience == Audience.NOT_SELECTED:
        place = "fans who were not selected"
    return f"{Channel(template.channel).label} template for {place} ({template.language})"


def listed(waves: Iterable[Wave]) -> str:
    """Waves with their state and when they are due, for people."""
    return "; ".join(
        f"{wave.name} ({wave.get_state_display().lower()}, due"
        f" {wave.notify_date:%Y-%m-%d %H:%M} UTC)"
        for wave in waves
    )


def _waves(scope: Q, states: Iterable[WaveState]) -> QuerySet[Wave]:
    return Wave.objects.filter(scope, state__in=states).select_related("campaign")


def _would_change(wave: Wave, rows: Iterable[Template]) -> bool:
    templates = templates_for(wave.campaign, audience_of(wave), rows)
    chosen = templates.chosen_for(texts_in(wave.content))
    return bool(chosen != wave.content["templates"])
