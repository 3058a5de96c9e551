"""A top-up: what room is left goes to the next fans in order, under the rules of the wave that was
selected last. [X-7]

Room is left where fans of a wave were cancelled, capacity was raised, or seats were never used. A
top-up is a drawn wave like any other but for its rules, which it cannot choose: order, single
market, minimum score, markets and selection times are those of the wave that it tops up. The second
count and the checker of the proof hold it to that.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime

from campaigns.opening import campaign_of, require_open
from waves.choices import WaveKind
from waves.errors import NothingToTopUp
from waves.models import Wave, WaveMarket
from waves.naming import wave_name
from waves.selection.market_files import OPTIONAL, REQUIRED
from waves.selection.plan import Plan
from waves.selection.planned_selection import PlannedSelection
from waves.selection.request import WaveRequest
from waves.selection.top_up_rules import last_drawn


def request_of(campaign_id: str, date_key: str, notify_date: datetime | None) -> WaveRequest:
    """The request for a top-up. Raises UnknownCampaign, WrongStatus, BadDateKey, NothingToTopUp,
    WrongState.
    """
    campaign = campaign_of(campaign_id)
    require_open(campaign)
    wave = Wave.objects.filter(name=wave_name(campaign_id, date_key)).first()
    base = last_drawn(campaign, other_than=wave)
    return WaveRequest(
        campaign_id,
        date_key,
        notify_date=notify_date,
        market_file=_markets_file(base),
        kind=WaveKind.DRAWN,
        tops_up=base.pk,
    )


def require_room(plan: Plan) -> None:
    """Raises NothingToTopUp where no market of a top-up has a free seat."""
    if plan.tops_up is None or any(seat.room for seat in plan.seats):
        return
    raise NothingToTopUp(
        f"There is nothing to top up: all seats of the markets of wave {plan.tops_up.name} are"
        " given. Raise a market's capacity first."
    )


def require_waiting(planned: PlannedSelection) -> None:
    """Raises NothingToTopUp where no fan waits for a free seat."""
    if planned.plan.tops_up is None or planned.selection.members.height:
        return
    free = [seat.name for seat in planned.plan.seats if seat.room]
    raise NothingToTopUp(
        f"There is nobody to top up with: no fan is waiting for a seat in {', '.join(free)}. The"
        " preview shows why fans are excluded."
    )


def _markets_file(base: Wave) -> bytes:
    """The markets of that wave as it was prepared; their seats are those of the campaign."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*REQUIRED, *OPTIONAL])
    for row in WaveMarket.objects.filter(wave=base).select_related("market").order_by("position"):
        closes = row.selection_time.isoformat()
        # a campaign may name its markets as no such file may
        name = "" if row.name == row.market.name else row.name
        writer.writerow([row.market.market_id, name, "", closes, row.code_source])
    return text.getvalue().encode()
