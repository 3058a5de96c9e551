"""The waiting list of a drawn wave: its candidates who got no seat, in the order of the draw, each
with their place from 1. [W-5, S-9]

It is what the selection says at the preparation, kept as a file of that attempt: registrations and
lists change afterwards, and a top-up selects anew [X-7]. A ZIP of parts of PART fans, in order. An
entry is named by the place of its first fan and says in its comment the lowest band score in it. So
a page reads one or two parts, and so does a look-up by band score, however long the list is.
"""

from __future__ import annotations

import zipfile
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from campaigns.models import FanScore
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from operations.database.statements import rows
from operations.instants import in_words
from waves.choices import WaveKind
from waves.errors import NoWaitingList
from waves.markets import MarketSeat
from waves.models import Wave
from waves.selection.eligibility import AT_ONCE, with_eligible

# As `contacts_of` has them. Of fans who are not there any more, nothing is found.
_MEMBER_IDS = """
SELECT score.global_user_id, COALESCE(NULLIF(fan.member_id, ''), score.member_id)
FROM unnest(%(fans)s::text[]) AS waiting (fan)
JOIN campaigns_fanscore AS score ON score.score_file_id = %(score_file)s
    AND score.global_user_id = waiting.fan
LEFT JOIN campaigns_registrant AS fan
    ON fan.campaign_id = %(campaign)s AND fan.global_user_id = waiting.fan
"""
COLUMNS: Final = ("place", "globalUserId", "memberId", "markets", "bandScore")
PART: Final = 5_000  # fans; AT_ONCE is a multiple
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date a zip can name


@dataclass(frozen=True)
class Waiting:
    """A fan at their place; `markets`: for which they were a candidate, best first."""

    place: int
    global_user_id: str
    markets: tuple[str, ...]
    band_score: float


class WaitingList:
    """A list in an open file, which it reads in parts. Raises NoWaitingList where it is damaged."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._archive = zipfile.ZipFile(file)
            self._entries = self._archive.infolist()
            # descending band scores, so that they can be bisected
            self._lowest = [-float(entry.comment) for entry in self._entries]
        except (zipfile.BadZipFile, ValueError) as error:
            raise NoWaitingList("The file of the waiting list is damaged.") from error

    def after(self, place: int, at_most: int) -> list[Waiting]:
        """The fans behind this place, in order."""
        first, last = place // PART, (place + at_most - 1) // PART
        lines = [line for part in range(first, last + 1) for line in self._lines(part)]
        skipped = place - first * PART
        return _fans(lines[skipped : skipped + at_most], place + 1)

    def find(self, fan: str, band_score: float) -> Waiting | None:
        """The fan of this id, who has this band score; None where they are not on the list."""
        part = bisect_left(self._lowest, -band_score)
        while part < len(self._entries):
            for place, line in enumerate(self._lines(part), start=part * PART + 1):
                if line.startswith(f"{fan}\t"):
                    return _fans([line], place)[0]
            if -self._lowest[part] != band_score:
                break
            part += 1  # who shares the score may be in the next one
        return None

    def parts(self) -> Iterator[list[Waiting]]:
        """All fans in order, PART at a time."""
        for part in range(len(self._entries)):
            yield _fans(self._lines(part), part * PART + 1)

    def _lines(self, part: int) -> list[str]:
        if part >= len(self._entries):
            return []
        try:
            return self._archive.read(self._entries[part]).decode().split("\n")[:-1]
        except zipfile.BadZipFile as error:
            raise NoWaitingList("The file of the waiting list is damaged.") from error


def _fans(lines: list[str], first: int) -> list[Waiting]:
    """`first`: the place of the first of them."""
    return [
        Waiting(place, fan, tuple(markets.split("|")), float(score))
        for place, line in enumerate(lines, start=first)
        for fan, markets, score in [line.split("\t")]
    ]


def write_waiting_list(
    target: Path, fans: pl.DataFrame, waiting: pl.Series, seats: Sequence[MarketSeat]
) -> None:
    """Write the list of a selection. `fans`: of `Candidates.frame`; `waiting`: which of them wait,
    in order; `seats`: of the wave. Nothing is compressed: that would take longer than the rest.
    """
    with zipfile.ZipFile(target, "w") as archive:
        for first in range(0, len(waiting), AT_ONCE):
            found = with_eligible(fans[waiting[first : first + AT_ONCE]], seats)
            for number, part in enumerate(found.iter_slices(PART)):
                entry = zipfile.ZipInfo(f"{first + number * PART + 1:010}.tsv", date_time=_EPOCH)
                entry.comment = repr(part["band_score"][-1]).encode()
                lines = part.select("global_user_id", "eligible", "band_score").write_csv(
                    include_header=False, separator="\t", quote_style="never"
                )
                archive.writestr(entry, lines)


@contextmanager
def opened(wave: Wave) -> Iterator[WaitingList]:
    """The waiting list of a prepared wave. Raises NoWaitingList, OSError."""
    if wave.kind != WaveKind.DRAWN:
        raise NoWaitingList(f"Wave {wave.name} was not drawn, so it has no waiting list.")
    if not wave.waiting_key:
        raise NoWaitingList(f"Wave {wave.name} is not prepared, so it has no waiting list.")
    try:
        file = buckets.scoring().open_parts(wave.waiting_key)
    except NoSuchObject as error:
        raise NoWaitingList(
            f"Wave {wave.name}: its waiting list ({wave.waiting_key}) is not in the scoring bucket."
            " Restore it from a backup."
        ) from error
    with file:
        yield WaitingList(file)


def member_ids(wave: Wave, fans: Sequence[Waiting]) -> dict[str, str]:
    """The member id of each fan of a wave's list, as it is known now; empty where there is none."""
    ids = [fan.global_user_id for fan in fans]
    known = rows(_MEMBER_IDS, fans=ids, score_file=wave.score_file_id, campaign=wave.campaign_id)
    return dict.fromkeys(ids, "") | dict(known)


def place_of(wave: Wave, fan: str) -> Waiting | None:
    """The place of the fan on the list of a prepared wave, None where they are not on it. Raises
    NoWaitingList, also where the rows by which a fan is found were deleted; OSError. [O-10]
    """
    with opened(wave) as waiting:
        if wave.score_file is not None and wave.score_file.rows_deleted_at is not None:
            raise NoWaitingList(
                f"The rows of the score file of wave {wave.name} were deleted on"
                f" {in_words(wave.score_file.rows_deleted_at)}, so nobody can be looked up on its"
                " waiting list. The list can still be paged through, and the proof of the draw"
                " shows each fan's place."
            )
        score = FanScore.objects.filter(score_file=wave.score_file_id, global_user_id=fan)
        drawn = score.values_list("band_score", flat=True).first()
        return None if drawn is None else waiting.find(fan, drawn)


def waiting_rows(wave: Wave) -> Iterator[tuple[str, ...]]:
    """The whole list as rows of a CSV file, COLUMNS first. Raises NoWaitingList, OSError."""
    yield COLUMNS
    with opened(wave) as waiting:
        for fans in waiting.parts():
            known = member_ids(wave, fans)
            for fan in fans:
                markets, score = "|".join(fan.markets), repr(fan.band_score)
                yield str(fan.place), fan.global_user_id, known[fan.global_user_id], markets, score
