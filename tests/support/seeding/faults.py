"""Faults to be seeded: what a developer could get wrong in ranking, bands, luck, eligibility,
allocation, seats and order. Each is one change of one place in the source. [X-14]
"""

from __future__ import annotations

from typing import Any

from tests.support.seeding.tool import Fault
from waves.choices import Order

DRAW, ROSTER = "campaigns.draw", "campaigns.scoring.roster"
CANDIDATES, PLAN = "waves.selection.candidates", "waves.selection.plan"
READING = "waves.selection.reading"
PLANNED = "waves.selection.planned_selection"
ALLOCATION, PREFERENCES = "waves.selection.allocation", "waves.selection.preferences"
FILE, SEATS, HOLDS = "waves.selection.market_files", "waves.markets", "waves.holds"
MEMBERS, WAVE_MARKETS = "waves.preparation.members", "waves.preparation.wave_markets"
PREPARED = "waves.preparation.prepared"

BY_MARKET: dict[str, Any] = {"order": Order.BY_MARKET_ORDER}
ALONE: dict[str, Any] = {"order": Order.SINGLE_MARKET, "single_market": "alps"}

PLACES = "np.cumsum(tally.candidate, dtype=np.int32)"
SORTED = "ranked = ranking(candidates, draw)"


def sorted_by(words: str) -> str:
    return f"ranked = candidates.with_row_index().{words}['index'].to_numpy()"


def then_by(key: str) -> str:
    return f"{SORTED}; ranked = ranked[np.argsort(({key}).to_numpy()[ranked], kind='stable')]"


LUCK_AND_BANDS = [
    Fault("a raw score at a band's edge falls into the band below", DRAW, "np.where(raw >= band.low", "np.where((raw > band.low) | (band is LOW)"),
    Fault("bands are counted with another edge", DRAW, "when(raw >= HIGH.low)", "when(raw > 0.9)"),
    Fault("the low band's scores replace those of the bands above", DRAW, "for band in reversed(BANDS)", "for band in BANDS"),
    Fault("a band reaches from its low edge to 1", DRAW, "u * (band.high - band.low), band.highest", "u * (1 - band.low), 1.0"),
    Fault("luck is turned around", DRAW, "band.low + u * (", "band.low + (1 - u) * ("),
    Fault("64 bits are not shifted to 53", DRAW, "(lucks >> np.uint64(11))", "(lucks)"),
    Fault("64 bits are shifted by 12", DRAW, ">> np.uint64(11)", ">> np.uint64(12)"),
    Fault("the second 64 bits of h are taken", DRAW, ".slice(0, LUCK", ".slice(16, LUCK"),
    Fault("the separator after the campaign's id is left out", DRAW, "prefix=(draw.campaign_id + SEPARATOR)", "prefix=(draw.campaign_id)"),
    Fault("luck is drawn by id, not by reference", DRAW, '_lucks(draw, fans["fan_ref"])', '_lucks(draw, fans["global_user_id"])'),
    Fault("the public value is left out of the key", DRAW, '(entropy or "").strip()', '("")'),
    Fault("the key is the seed", DRAW, "hmac_sha256_hex(draw.key", "hmac_sha256_hex(draw.seed"),
    Fault("references are the nonces, bound to nobody", DRAW, 'sha256_hex(pl.select(nonces.str.decode("hex") + ids.cast(pl.Binary)).to_series())', "nonces"),
    Fault("references hash the nonce's text, not its bytes", DRAW, 'nonces.str.decode("hex") + ids', "nonces.cast(pl.Binary) + ids"),
    Fault("the roster has lost the preferences", ROSTER, 'pl.col("preferences").fill_null("")', 'pl.lit("")'),
    Fault("band scores are rounded", DRAW, "_band_scores(raw.to_numpy(), lucks)", "_band_scores(raw.to_numpy(), lucks).round(6)"),
    Fault("a whole file's luck is shifted by one fan", DRAW, 'lucks = _lucks(draw, fans["fan_ref"])', 'lucks = np.roll(_lucks(draw, fans["fan_ref"]), 1)'),
]  # fmt: skip
RANKING = [
    Fault("fans stand in the order of the file", ALLOCATION, SORTED, "ranked = np.arange(candidates.height)"),
    Fault("who registered first stands first", ALLOCATION, SORTED, sorted_by('sort("registered_at")')),
    Fault(
        "who registered in the first days stands first, then by band score",
        ALLOCATION,
        SORTED,
        then_by('candidates["registered_at"].dt.truncate("2d")'),
    ),
    Fault("fans stand in the order of their ids", ALLOCATION, SORTED, sorted_by('sort("global_user_id")')),
    Fault("fans stand in the order of luck alone", ALLOCATION, SORTED, sorted_by('sort("luck", descending=True)')),
    Fault("the worst stands first", ALLOCATION, SORTED, sorted_by('sort("band_score")')),
    Fault("the first two are swapped", ALLOCATION, SORTED, SORTED + "; ranked = ranked[np.r_[1, 0, 2 : len(ranked)]]"),
    Fault("raw scores rank, not band scores", READING, '"band_score": "score.band_score"', '"band_score": "score.raw_score"'),
    Fault("band scores are compared as text", ALLOCATION, SORTED, then_by('candidates["band_score"].round(2)')),
]  # fmt: skip
TIES = [
    Fault("fans of equal band score stand in reverse order of luck", DRAW, '"global_user_id"), descending=2', '"global_user_id"), descending=1'),
]  # fmt: skip
ELIGIBILITY = [
    Fault("the minimum itself is too low", CANDIDATES, 'pl.col("raw_score") < min_score', 'pl.col("raw_score") <= min_score'),
    Fault("the minimum is of the band score", CANDIDATES, 'pl.col("raw_score") < min_score', 'pl.col("band_score") < min_score'),
    Fault("the wave's own minimum is forgotten", PLANNED, "max(plan.min_score or 0.0, in_force.lowest_score)", "in_force.lowest_score"),
    Fault(
        "the wave's own minimum lowers the campaign's",
        PLANNED,
        "max(plan.min_score or 0.0, in_force.lowest_score)",
        "plan.min_score or in_force.lowest_score",
        request={"min_score": 0.25},
    ),
    Fault("members of other waves are candidates", CANDIDATES, '_reason(pl.col("in_wave") & pl.col("reassigned").is_null(), Exclusion.ALREADY_IN_WAVE)', "_reason(pl.lit(False), Exclusion.ALREADY_IN_WAVE)"),
    Fault("members of cancelled waves are no candidates", READING, " AND wave_live AND", " AND"),
    Fault("members of other campaigns' waves are no candidates", READING, "campaign_id = %(campaign)s AND wave_live", "wave_live"),
    Fault("who holds a code is a candidate", CANDIDATES, 'pl.col("holds_code") & pl.col("held_code").is_null()', "pl.lit(False)"),
    Fault("codes of other campaigns count", READING, "true FROM waves_assignment\n        WHERE campaign_id = %(campaign)s", "true FROM waves_assignment"),
    Fault("who comes back with a code is left out", CANDIDATES, 'pl.col("holds_code") & pl.col("held_code").is_null()', 'pl.col("holds_code")'),
    Fault("who comes back is selected from, too", CANDIDATES, "kept.filter(comes_back), kept.filter(~comes_back)", "kept.filter(comes_back), kept"),
    Fault("fans of a notified wave come back", HOLDS, "if not contacted]", "]; cancelled = {}"),
    Fault("blacklisted fans and those without contact are candidates", CANDIDATES, 'judged.filter(pl.col("contact_reason").is_null())', "judged"),
    Fault("the preferences of now replace the roster's", READING, "COALESCE(score.preferences, array_to_string(fan.preferences, '|'))", "array_to_string(fan.preferences, '|')"),
    Fault("late registrations want any market", READING, "COALESCE(score.preferences, array_to_string(fan.preferences, '|'))", "COALESCE(score.preferences, '')"),
    Fault("preferences are cut at commas", CANDIDATES, '.str.split("|")', '.str.split(",")'),
    Fault("no preference means no market", CANDIDATES, "pl.lit([], asked)", "pl.lit([None], asked)"),
    Fault("registration counts from the last change", READING, "timestamptz_send(fan.registered_at)", "timestamptz_send(fan.changed_at)"),
    Fault("registration is read in milliseconds", READING, "bits.reinterpret(signed=True)", "bits.reinterpret(signed=True) // 1000"),
    Fault("who registers at the closing moment is late", PREFERENCES, "too_late = registered[:, None] > self.closes_us", "too_late = registered[:, None] >= self.closes_us"),
    Fault("nobody is late", PREFERENCES, "wanted[too_late] = self.nothing", "pass"),
    Fault("all markets close with the first", PREFERENCES, "> self.closes_us[wanted]", "> np.full(wanted.shape, self.closes_us[0])"),
    Fault("late for one market is late for all", PREFERENCES, "wanted[too_late] = self.nothing", "wanted[too_late.any(axis=1)] = self.nothing"),
    Fault("the first score file is selected from", PLAN, "return campaign.active_score_file\n", "return campaign.score_files.earliest('id')\n"),
    Fault("reasons are mixed up", ALLOCATION, "Exclusion.NO_MARKET_WANTED: tally.unwanting", "Exclusion.NO_MARKET_WANTED: tally.too_late"),
    Fault("candidates are all who were read", ALLOCATION, "candidates=int(tally.candidate.sum())", "candidates=candidates.height"),
]  # fmt: skip
ALLOCATING = [
    Fault("the second preference is skipped", ALLOCATION, "first = still_open.argmax(axis=1)", "first = np.zeros(len(wanted), dtype=int)"),
    Fault("the last preference comes first", PREFERENCES, "flat = named.explode(", "flat = named.list.reverse().explode("),
    Fault("any market means the last market first", PREFERENCES, "np.arange(self.nothing)", "np.arange(self.nothing)[::-1]"),
    Fault("markets are filled by their ids, not their positions", ALLOCATION, "key=lambda seat: (seat.position, seat.market_id)", "key=lambda seat: seat.market_id"),
    Fault("a market closes one seat early", ALLOCATION, "room = np.array([seat.room for seat in seats]", "room = np.array([max(0, seat.room - 1) for seat in seats]"),
    Fault("seats that are filled are not used up", ALLOCATION, "room -= np.bincount(picks[picks != _NO_MARKET], minlength=len(room))", "room[room == np.bincount(picks[picks != _NO_MARKET], minlength=len(room))] = 0"),
    Fault("the stretch behind a full market is skipped", ALLOCATION, "begin += end\n", "begin += end + 1\n"),
    Fault("a market takes the worst of those who want it", ALLOCATION, "[: room[market]]\n", "[-room[market] :]\n", request=BY_MARKET),
    Fault("a market takes one fan too few", ALLOCATION, "[: room[market]]\n", "[: room[market] - 1]\n", request=BY_MARKET),
    Fault("a market takes one fan too many", ALLOCATION, "[: room[market]]\n", "[: room[market] + 1]\n", request=BY_MARKET),
    Fault("a later market takes another's fans", ALLOCATION, "wants & (taken == _NO_MARKET)", "wants", request=BY_MARKET),
    Fault("market by market is done by preference", ALLOCATION, "if order == Order.BY_PREFERENCE:", "if True:", request=BY_MARKET),
    Fault("preference is done market by market", ALLOCATION, "if order == Order.BY_PREFERENCE:", "if False:"),
    Fault("a bit of the packed markets is read at the wrong end", ALLOCATION, ">> (7 - bit)", ">> bit", request=BY_MARKET),
    Fault("a single market is another one", ALLOCATION, "if seat.market_id == single_market]", "if seat.market_id != single_market][:1]", request=ALONE),
    Fault("places count who is no candidate", ALLOCATION, PLACES, "np.arange(1, len(ranked) + 1)"),
    Fault("places begin at 0", ALLOCATION, PLACES, PLACES + " - 1"),
    Fault("the waiting list has the members, too", ALLOCATION, "ranked[tally.candidate & ~is_chosen]", "ranked[tally.candidate]"),
    Fault("the cut-off is the best score", ALLOCATION, "float(own.min())", "float(own.max())"),
    Fault("a market that is not full has a cut-off", ALLOCATION, "len(own) == seat.room", "True", request={"market_file": b"marketId,marketName,capacity,selectionTime\nwest,,,\nnorth,,,\n"}),
    Fault("wanted counts late fans, too", ALLOCATION, "self.wanted += chunk.wanted_by", "self.wanted += len(chunk.wanted)"),
    Fault("who comes back gets a place", PLANNED, 'pl.lit(0, pl.Int64).alias("place")', 'pl.lit(1, pl.Int64).alias("place")'),
]  # fmt: skip
SEATS_AND_ROOM = [
    Fault("given seats are ignored", SEATS, "max(0, self.capacity - self.given)", "self.capacity"),
    Fault("the wave's own capacity is ignored", SEATS, "left if self.most is None else min(left, self.most)", "left"),
    Fault("the wave's own capacity replaces the campaign's", SEATS, "min(left, self.most)", "self.most + 1"),
    Fault("capacity is off by one", SEATS, "left = max(0, self.capacity - self.given)", "left = max(0, self.capacity - self.given) + 1"),
    Fault("cancelled waves give no seats back", HOLDS, "WHERE campaign_id = %(campaign)s AND wave_live", "WHERE campaign_id = %(campaign)s"),
    Fault("assigned codes use no seat", HOLDS, "UNION SELECT market_id, global_user_id FROM waves_assignment WHERE campaign_id = %(campaign)s", ""),
    Fault("members of live waves use no seat", HOLDS, "AND wave_live", "AND NOT wave_live"),
    Fault("seats are counted for all markets together", HOLDS, "SELECT market_id, count(*) FROM (", "SELECT market_id, sum(count(*)) OVER () FROM ("),
    Fault("the markets file's capacity is not read", FILE, 'changes["most"] =', 'changes.get("most");'),
    Fault("the markets file's selection time is not read", FILE, 'changes["selection_time"] =', 'changes.get("selection_time");'),
    Fault("a market that the file does not name is in the wave", FILE, "return sorted(seats.values(), key", "return sorted((seats | {s.market_id: s for s in own if s.market_id not in seats}).values(), key"),
    Fault("a member is written into another market", MEMBERS, 'pl.col("market").alias("market_id")', 'pl.col("market").shift(1).fill_null(pl.col("market").last()).alias("market_id")'),
    Fault("a member is lost on the way into the table", PREPARED, "write_members(wave, members)", "write_members(wave, members[:-1])"),
    Fault("places are lost on the way into the table", MEMBERS, '        "place",\n        "band_score",', '        pl.int_range(1, pl.len() + 1).alias("place"),\n        "band_score",'),
    Fault("the wave keeps other capacities than it was selected by", WAVE_MARKETS, "capacity=seat.capacity", "capacity=seat.capacity + 1"),
    Fault("the wave keeps another room than it was selected by", WAVE_MARKETS, "room=seat.room", "room=seat.room + 1"),
    Fault("the selected of a market are another's", WAVE_MARKETS, "selected=by_market[seat.market_id].selected", "selected=0"),
]  # fmt: skip
FAULTS = [*LUCK_AND_BANDS, *RANKING, *TIES, *ELIGIBILITY, *ALLOCATING, *SEATS_AND_ROOM]
# No presale of a test can have two fans of one band score: it takes some ten million draws of a
# million fans. The checker's own tests hold the order of ties.
NOT_STOPPED = {fault.says for fault in TIES}
# What a constraint or the preparation itself refuses, so that there is nothing to count.
REFUSED_EARLIER = {
    "members of other waves are candidates": "not prepared: IntegrityError",
    "who comes back is selected from, too": "not prepared: IntegrityError",
    "the first score file is selected from": "not prepared: WrongState",
    "seats that are filled are not used up": "not prepared: IntegrityError",
    "a market takes one fan too many": "not prepared: IntegrityError",
    "seats are counted for all markets together": "not prepared: CapacityBelowGiven",
}
# What happened elsewhere, and what looks most innocent.
CHOSEN = {
    "who registered in the first days stands first, then by band score",
    "the second preference is skipped",
    "64 bits are shifted by 12",
    "a raw score at a band's edge falls into the band below",
    "who registers at the closing moment is late",
    "given seats are ignored",
    "the preferences of now replace the roster's",
    "markets are filled by their ids, not their positions",
}
