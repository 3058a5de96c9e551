"""When luck can be known, and what is late therefore. Pure. [S-8]

Luck follows from the seed, which whoever could read the database knew, and from the value of the
public source. So it can be known from the moment at which that value is public or entered here;
without a source, from the first draw. Whatever comes after that could favor somebody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class LuckKnown:
    """What decides it: whether a public source is named, when its value becomes public (None:
    nobody said), whether and when the value was entered, and when the first rows were drawn.
    """

    has_source: bool
    public_at: datetime | None
    is_entered: bool
    entered_at: datetime | None
    first_drawn_at: datetime | None

    @property
    def since(self) -> datetime | None:
        """Since when luck can be known, or will be; None while nothing says it. [S-8]"""
        known = (self.public_at, self.entered_at) if self.has_source else (self.first_drawn_at,)
        return min((moment for moment in known if moment is not None), default=None)

    @property
    def is_settled(self) -> bool:
        """Whether it is known here: what happened is a fact, whatever a clock says."""
        return self.is_entered if self.has_source else self.first_drawn_at is not None

    def is_late(self, now: datetime) -> bool:
        """Whether what happens `now` is late. [S-8]"""
        if self.is_settled:
            return True
        return self.has_source and self.public_at is not None and self.public_at <= now
