"""A fan is taken out of what people and programs wrote about other things: reasons, errors, alerts,
and the log of the admin. [X-11]
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Model

from campaigns.models import LateChange, RankFile, RegistrationImport, ScoreFile
from console.models import PersonalDataAccess
from datalake.erased.erasing import TABLE, Place, Sought, Touch
from datalake.query.models import LakeQuery
from operations.database.statements import run
from operations.models import Alert, Job, StatusChange
from waves.models import Resend, Suppression, Wave

AREA: Final = "texts"
KEYS_AT_A_TIME: Final = 2_000
TEXTS: Final[dict[type[Model], tuple[str, ...]]] = {
    Alert: ("text",),
    Job: ("error", "waits_for"),
    StatusChange: ("reason",),
    LogEntry: ("object_repr", "change_message"),
    PersonalDataAccess: ("subject", "reason"),
    RegistrationImport: ("reason", "name"),
    ScoreFile: ("error", "name"),
    RankFile: ("reason", "name"),
    LateChange: ("subject", "reason"),
    LakeQuery: ("sql", "error"),
    Wave: ("error", "waiver", "expedited", "own_rules_reason"),
    Resend: ("why",),
    Suppression: ("reason", "lift_reason"),
}


def erase_texts(sought: Sought, touch: Touch) -> None:
    """Put a mark in the place of the id and the contacts, wherever one of them is a word. Answers
    of queries, which are kept for a day, go at once: they may hold anybody.
    """
    if answers := LakeQuery.objects.filter(answer__isnull=False).update(answer=None):
        touch(Place(AREA, TABLE, "answers of lake queries", answers))
    for model, fields in TEXTS.items():
        rows = model._default_manager.order_by("pk").values_list("pk", *fields)
        for pk, *values in rows.iterator(chunk_size=KEYS_AT_A_TIME):
            new = {
                field: sought.taken_out(value)
                for field, value in zip(fields, values, strict=True)
                if value and sought.named_in(value)
            }
            if new:
                _write(model, pk, new, touch)


@transaction.atomic
def _write(model: type[Model], pk: Any, new: dict[str, str], touch: Touch) -> None:
    run("SET LOCAL fairwave.erasure = 'on'")
    model._default_manager.filter(pk=pk).update(**new)
    touch(Place(AREA, TABLE, str(model._meta.verbose_name_plural), 1))
