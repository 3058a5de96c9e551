"""The files of a period of the lake, by page. [L-4]"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.http import QueryDict

from console.lake.keyset import Edge, Listed, listed
from datalake.choices import READABLE, FileState
from datalake.layout import Period
from datalake.models import LakeFile

# what a person asks for → the states of files
SHOWN: Final[dict[str, tuple[str, tuple[FileState, ...]]]] = {
    "": ("What readers see", READABLE),
    "waiting": ("Waiting for the archive", (FileState.SUPERSEDED,)),
    "archived": ("Archived", (FileState.ARCHIVED,)),
}


def files_of(record_type: str, period: Period, asked: QueryDict) -> Listed[LakeFile]:
    """A page of the period's files in the states that `show` names."""
    _, states = SHOWN[shown_of(asked)]

    def found(edge: Edge, most: int) -> Iterable[LakeFile]:
        for state in states:  # each is a walk along the index of its own
            files = LakeFile.objects.filter(
                record_type=record_type, period=str(period), state=state, **edge.bounds
            )
            yield from files.order_by(edge.order)[:most]

    return listed(asked, found)


def shown_of(asked: QueryDict) -> str:
    show = asked.get("show", "")
    return show if show in SHOWN else ""


def month_file(record_type: str, period: Period) -> LakeFile | None:
    """The merged file of the day's month, which may hold the day's records."""
    if period.is_month:
        return None
    month = str(period.month_period)
    return LakeFile.objects.filter(
        record_type=record_type, period=month, state=FileState.MERGED
    ).first()
