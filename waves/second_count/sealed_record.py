"""The sealed record of a wave: what is known of each fan of its score file, and the rules that hold
for it, as one file for the stand-alone checker. [X-14]

Nothing in it comes out of the preparation that it is to judge. What decides is written here a
second time: who is in a wave, holds a code or comes back, the seats given, the preferences and
contacts that count, which of them are suppressed, the references, and the reading of the markets
file. [W-5, W-6, S-8, N-8] Shared
with the preparation is what only carries (COPY, ISO times, the markets file's name), and the
judgement of contacts, which the checker cannot repeat without personal data. [S-4, S-5]

It holds no personal data, no seed and no salt. It is written while the wave is prepared, before its
members: in the snapshot of the database from which they are selected, and while no other wave of
the campaign can select. So nothing in it is newer than the selection.
"""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

import polars as pl
import polars_hash

from campaigns.models import Campaign, ScoreFile
from campaigns.opening import draw_of
from campaigns.scoring import rules
from campaigns.scoring.outcomes import Rules, judge_contacts
from datalake.erased.fans import Erased, known
from datalake.storage import buckets
from operations import instants
from operations.database.copying import nullable_frames_of
from operations.database.statements import rows
from operations.threads import helper_thread, in_order
from waves.choices import WaveKind
from waves.models import Wave
from waves.naming import market_file_key
from waves.second_count.zip_files import json_of, sha256_of, write_entry

FORMAT, VERSION = "fairwave-recount", 2
COLUMNS: Final = (
    *("fan_ref", "raw_score", "band_score", "preferences", "late_preferences", "registered_us"),
    *("in_wave", "holds_code", "returns", "again", "contact"),
)
AT_ONCE = 3  # frames that are read and not written yet
# no line of facts has the separator: it is a control character
_AS_LINES: Final[dict[str, Any]] = {
    "has_header": False,
    "schema": {"line": pl.String},
    "separator": "\x01",
    "quote_char": None,
}
_BLOCK_BYTES = 64  # of SHA-256, to which HMAC pads its key
_THE_YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)

# The other waves of the campaign that have members.
EARLIER = """
WITH earlier AS (
    SELECT wave.id, wave.state, wave.kind, wave.triggered_at FROM waves_wave AS wave
    WHERE wave.campaign_id = %(campaign)s AND wave.id <> %(wave)s AND EXISTS (
        SELECT FROM waves_member AS theirs WHERE theirs.wave_id = wave.id)
), taken AS (
    SELECT member.global_user_id, member.market_id
    FROM waves_member AS member JOIN earlier ON earlier.id = member.wave_id
    WHERE earlier.state NOT IN ('cancelled', 'failed')
), coded AS (
    SELECT code.global_user_id, code.market_id, code.wave_id
    FROM waves_assignment AS code JOIN earlier ON earlier.id = code.wave_id
)
"""
_REACHED = """, reached AS (
    SELECT DISTINCT message.wave_id
    FROM waves_send AS message
    WHERE message.wave_id IN (SELECT id FROM earlier WHERE state = 'cancelled') AND (
        message.maybe_accepted
        OR message.state NOT IN ('pending', 'failed', 'skipped'))
), back AS (
    SELECT coded.global_user_id, market.market_id
    FROM coded JOIN earlier ON earlier.id = coded.wave_id
    JOIN campaigns_market AS market ON market.id = coded.market_id
    WHERE earlier.state = 'cancelled' AND earlier.triggered_at IS NOT NULL
        AND coded.wave_id NOT IN (SELECT wave_id FROM reached)
        AND coded.global_user_id NOT IN (
            SELECT global_user_id FROM waves_member
            WHERE wave_id IN (SELECT wave_id FROM reached))
), again AS (
    SELECT coded.global_user_id, market.market_id
    FROM coded JOIN campaigns_market AS market ON market.id = coded.market_id
    WHERE %(reassign)s AND coded.global_user_id NOT IN (
        SELECT theirs.global_user_id
        FROM waves_member AS theirs JOIN earlier ON earlier.id = theirs.wave_id
        WHERE earlier.state NOT IN ('cancelled', 'failed', 'completed'))
), told AS (
    SELECT theirs.global_user_id
    FROM waves_member AS theirs JOIN earlier ON earlier.id = theirs.wave_id
    WHERE %(selects)s AND earlier.kind = 'not_selected' AND earlier.triggered_at IS NOT NULL
), left_out AS (
    SELECT uuid_send(contact) AS hash FROM waves_suppression
    WHERE lifted_at IS NULL AND coalesce(campaign_id, %(campaign)s) = %(campaign)s
    GROUP BY contact
), own_key AS (
    SELECT key FROM waves_suppressionkey WHERE EXISTS (SELECT FROM left_out)
)
"""
_SELECT_FANS = """
SELECT score.global_user_id, score.raw_text, score.band_score::text, score.preferences,
    CASE WHEN score.preferences IS NULL THEN '+' || array_to_string(fan.preferences, '|') END,
    timestamptz_send(fan.registered_at),
    (score.global_user_id IN (SELECT global_user_id COLLATE "C" FROM taken)
        OR score.global_user_id IN (SELECT global_user_id COLLATE "C" FROM told))::int,
    (score.global_user_id IN (SELECT global_user_id COLLATE "C" FROM coded))::int,
    back.market_id,
    again.market_id,
    CASE WHEN fan.email <> '' THEN fan.email ELSE score.email END,
    CASE WHEN fan.phone <> '' THEN fan.phone ELSE score.phone END,
    coalesce((fan.phone <> '' AND fan.phone_confirmed) OR (score.phone_confirmed
        AND coalesce(fan.phone, '') IN ('', score.phone)), false)::int,
    (left_by_email.hash IS NOT NULL)::int,
    (left_by_phone.hash IS NOT NULL)::int,
    CASE WHEN %(anybody_erased)s THEN timestamptz_send(fan.changed_at) END
FROM campaigns_fanscore AS score
LEFT JOIN campaigns_registrant AS fan ON fan.campaign_id = %(campaign)s
    AND fan.global_user_id = score.global_user_id COLLATE "default"
LEFT JOIN back ON back.global_user_id = score.global_user_id COLLATE "default"
LEFT JOIN again ON again.global_user_id = score.global_user_id COLLATE "default"
LEFT JOIN left_out AS left_by_email ON left_by_email.hash = substring(sha256(
    (SELECT key FROM own_key) || convert_to(concat('email', chr(31),
        CASE WHEN fan.email <> '' THEN fan.email ELSE score.email END), 'UTF8')) FROM 1 FOR 16)
LEFT JOIN left_out AS left_by_phone ON left_by_phone.hash = substring(sha256(
    (SELECT key FROM own_key) || convert_to(concat('sms', chr(31),
        CASE WHEN fan.phone <> '' THEN fan.phone ELSE score.phone END), 'UTF8')) FROM 1 FOR 16)
WHERE score.score_file_id = %(score_file)s
"""
_FANS = "".join((EARLIER, _REACHED, _SELECT_FANS))
# Erased fans in other waves, and who hold codes: the reference follows in their names.
_ERASED = """
SELECT left(split_part(global_user_id, ':', 2), 64), FALSE FROM (
    SELECT global_user_id FROM taken UNION SELECT global_user_id FROM told) AS theirs
WHERE global_user_id LIKE 'erased:%%'
UNION SELECT left(split_part(global_user_id, ':', 2), 64), TRUE FROM coded
WHERE global_user_id LIKE 'erased:%%'
"""
_ERASED_HOLDERS = "".join((EARLIER, _REACHED, _ERASED))
_SCHEMA = {
    "global_user_id": pl.String,
    "raw_score": pl.String,
    "band_score": pl.String,
    "preferences": pl.String,
    "late_preferences": pl.String,
    "registered": pl.String,
    "in_wave": pl.Int8,
    "holds_code": pl.Int8,
    "returns": pl.String,
    "again": pl.String,
    "email": pl.String,
    "phone": pl.String,
    "confirmed": pl.Int8,
    "email_suppressed": pl.Int8,
    "phone_suppressed": pl.Int8,
    "changed": pl.String,
}
_SELECT_SEATS = """
SELECT market.market_id, market.capacity, market.position,
    (extract(epoch FROM market.selection_time) * 1000000)::bigint,
    (SELECT count(DISTINCT seat.global_user_id) FROM (
        SELECT * FROM taken UNION ALL SELECT global_user_id, market_id FROM coded) AS seat
        WHERE seat.market_id = market.id)
FROM campaigns_market AS market WHERE market.campaign_id = %(campaign)s
ORDER BY market.position, market.id
"""
_SEATS = "".join((EARLIER, _SELECT_SEATS))


def write_facts(
    wave_pk: int,
    target: Path,
    *,
    now: datetime,
    lists: Mapping[str, bytes],
    markets_file: bytes | None,
) -> str:
    """Write the facts of a wave that is prepared `now`; returns their SHA-256 in hex. The caller
    holds the campaign's selection, and reads in the snapshot that the members are selected from.
    `lists`: see `rules.gather`; `markets_file`: that of `markets_file_of`.
    """
    wave = Wave.objects.select_related("campaign__active_score_file", "tops_up").get(pk=wave_pk)
    score_file = wave.campaign.active_score_file
    if score_file is None:
        raise ValueError(f"Campaign {wave.campaign.campaign_id} has no active score file.")
    with zipfile.ZipFile(target, "w") as archive, tempfile.TemporaryDirectory() as folder:
        in_force = _rules_of(wave, score_file, markets_file, now)
        write_entry(archive, "facts.json", [json_of(in_force)])
        write_entry(archive, "fans.tsv", _sorted_lines(wave, score_file, lists, Path(folder)))
    return sha256_of(target)


def markets_file_of(wave: Wave) -> bytes | None:
    """The wave's own markets file; None without one. Raises OSError. [W-5]"""
    if wave.kind == WaveKind.NOT_SELECTED:
        return None
    bucket = buckets.scoring()
    key = market_file_key(wave.campaign.campaign_id, wave.date_key)
    if not bucket.exists(key):
        return None
    with bucket.open(key) as file:
        return file.read()


def references(salt: bytes, fans: pl.Series | list[str]) -> pl.Series:
    """The public name of each fan: hex SHA-256 over HMAC-SHA256(salt, id) and the id. [S-8]"""
    padded = salt.ljust(_BLOCK_BYTES, b"\0")
    inner, outer = (pl.lit(bytes(byte ^ pad for byte in padded)) for pad in (0x36, 0x5C))
    name = pl.col("fan").cast(pl.Binary)

    def hashed(column: str) -> pl.Expr:
        digest: pl.Expr = polars_hash.col(column).chash.sha2_256()
        return digest.alias("digest")

    raw = pl.col("digest").str.decode("hex")
    frame = pl.DataFrame({"fan": fans}, schema={"fan": pl.String}).with_columns(
        (inner + name).alias("text")
    )
    for message in (outer + raw, raw + name):
        frame = frame.with_columns(hashed("text")).with_columns(message.alias("text"))
    own = frame.select(hashed("text"))["digest"].alias("fan_ref")
    ids = pl.Series(fans, dtype=pl.String)
    if not ids.str.starts_with("erased:").any():
        return own
    # the name of an erased fan holds the reference
    kept = ids.str.extract(r"^erased:([0-9a-f]{64})\.[0-9]+$", 1)
    return pl.select(pl.coalesce(kept, own).alias("fan_ref")).to_series()


def _rules_of(
    wave: Wave, score_file: ScoreFile, markets_file: bytes | None, now: datetime
) -> dict[str, Any]:
    campaign = wave.campaign
    return {
        "format": FORMAT,
        "version": VERSION,
        "campaign_id": campaign.campaign_id,
        "date_key": wave.date_key,
        "commitment": campaign.commitment,
        "entropy_value": draw_of(campaign).entropy,
        "attempt": score_file.attempt,
        "fans": score_file.accepted,
        "bands": score_file.bands,
        "roster_digest": score_file.roster_digest,
        "min_scores": [campaign.min_score, wave.min_score],
        "order": wave.order,
        "single_market": wave.single_market,
        "kind": wave.kind,
        "reassign": wave.reassign,
        "tops_up": _rules_topped_up(wave),
        "prepared_us": microseconds(now),
        "markets": markets_of(wave, campaign, markets_file),
    }


def _rules_topped_up(wave: Wave) -> dict[str, Any] | None:
    """The rules of the wave that this one tops up, as they are stored with it. [X-7]"""
    base = wave.tops_up
    if base is None:
        return None
    markets = """SELECT market.market_id, (extract(epoch FROM its.selection_time) * 1000000)::bigint
        FROM waves_wavemarket AS its JOIN campaigns_market AS market ON market.id = its.market_id
        WHERE its.wave_id = %(wave)s ORDER BY market.position, market.id"""
    return {
        "order": base.order,
        "single_market": base.single_market,
        "min_score": base.min_score,
        "markets": dict(rows(markets, wave=base.pk)),
    }


def microseconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def markets_of(wave: Wave, campaign: Campaign, markets_file: bytes | None) -> list[dict[str, Any]]:
    own = None if markets_file is None else _own_markets(markets_file)
    markets = []
    for market_id, capacity, position, closes, given in rows(
        _SEATS, campaign=campaign.pk, wave=wave.pk
    ):
        if own is not None and market_id not in own:
            continue
        of_wave = own[market_id] if own else {}
        markets.append(
            {
                "market_id": market_id,
                "capacity": capacity,
                "own_capacity": _own_capacity(wave, of_wave.get("capacity")),
                "given": given,
                "position": position,
                "selection_us": microseconds(instants.parse(of_wave["selectionTime"]))
                if of_wave.get("selectionTime")
                else closes,
            }
        )
    return markets


def _own_capacity(wave: Wave, said: str | None) -> int | None:
    """Who is told that they were not selected gets no seat. [X-8]"""
    if wave.kind == WaveKind.NOT_SELECTED:
        return 0
    return int(said) if said else None


def _own_markets(markets_file: bytes) -> dict[str, dict[str, str]]:
    """The lines of the wave's own markets file by market. [W-5]"""
    text = markets_file.decode("utf-8-sig")
    lines = [
        {name: (cell or "").strip() for name, cell in line.items() if name is not None}
        for line in csv.DictReader(io.StringIO(text, newline=""))
    ]
    return {line["marketId"]: line for line in lines if line.get("marketId")}


def _sorted_lines(
    wave: Wave, score_file: ScoreFile, lists: Mapping[str, bytes], folder: Path
) -> Iterator[bytes]:
    """A line for each fan, sorted by reference, with memory for one of 256 parts of them."""
    yield "\t".join(COLUMNS).encode() + b"\n"
    parts: dict[str, IO[bytes]] = {}
    with ExitStack() as opened:
        for lines in _lines(wave, score_file, lists):
            for name, text in _by_first_digits(lines):
                if name not in parts:
                    parts[name] = opened.enter_context((folder / name).open("ab"))
                parts[name].write(text)
    for path in sorted(folder.iterdir()):
        yield _joined(pl.read_csv(path, **_AS_LINES)["line"].sort())


def _by_first_digits(lines: pl.Series) -> Iterator[tuple[str, memoryview]]:
    """The text of the lines that begin with the same two digits, for each such two."""
    ordered = lines.sort()
    text, at = memoryview(_joined(ordered)), 0
    line = pl.col("line")
    sizes = ordered.to_frame().group_by(line.str.head(2).alias("digits"), maintain_order=True)
    for digits, size in sizes.agg((line.str.len_bytes() + 1).sum()).iter_rows():
        yield digits, text[at : at + size]
        at += size


def _joined(lines: pl.Series) -> bytes:
    return lines.to_frame().write_csv(include_header=False, quote_style="never").encode()


def _lines(wave: Wave, score_file: ScoreFile, lists: Mapping[str, bytes]) -> Iterator[pl.Series]:
    campaign = wave.campaign
    values = {
        "campaign": campaign.pk,
        "wave": wave.pk,
        "score_file": score_file.pk,
        "reassign": wave.reassign,
        "selects": wave.selects,
    }
    in_force, salt, erased = rules.gather(campaign, lists), draw_of(campaign).salt, known()
    had = erased_holders(_ERASED_HOLDERS, **values)
    values["anybody_erased"] = not erased.fans.is_empty()
    work = partial(_lines_of, in_force=in_force, salt=salt, erased=erased, had=had)
    # PostgreSQL and the hashing keep two cores busy
    with helper_thread("second count") as helper:
        frames = nullable_frames_of(_FANS, _SCHEMA, **values)
        yield from in_order(helper, work, frames, at_once=AT_ONCE)


def erased_holders(query: str, **values: Any) -> tuple[list[str], list[str]]:
    """The references of erased fans whom another wave has, and of those who hold a code: whoever
    of them registers again has both still. [X-11]
    """
    found = rows(query, **values)
    return [ref for ref, has_code in found if not has_code], [ref for ref, code in found if code]


def _lines_of(
    fans: pl.DataFrame,
    in_force: Rules,
    salt: bytes,
    erased: Erased,
    had: tuple[list[str], list[str]],
) -> pl.Series:
    """The `line` of each fan."""
    judged = judge_contacts(
        fans.with_columns(
            pl.col("confirmed") == 1,
            pl.lit(in_force.home_countries[0]).alias("country"),
            pl.lit(None, pl.String).alias("known_phone"),
        ),
        in_force,
    )
    no_email = pl.col("email").is_null() | (pl.col("email_suppressed") == 1)
    no_phone = ~pl.col("usable_phone") | (pl.col("phone_suppressed") == 1)
    left_out = pl.when(no_email & no_phone).then(pl.lit("suppressed"))
    changed = fans.select(_instant("changed")).to_series()
    gone = pl.lit(erased.since(fans["global_user_id"], changed))
    was_erased = pl.when(gone).then(pl.lit("erased"))
    named = fans.with_columns(
        references(salt, fans["global_user_id"]),
        _instant("registered").to_physical().alias("registered_us"),
        judged.select(
            pl.coalesce(was_erased, "contact_reason", left_out).alias("contact")
        ).to_series(),
    )
    for column, refs in zip(("in_wave", "holds_code"), had, strict=True):
        again = pl.col("fan_ref").is_in(refs) if refs else pl.lit(value=False)
        named = named.with_columns(pl.when(again).then(1).otherwise(column).alias(column))
    cells = [pl.col(name).cast(pl.String).fill_null("") for name in COLUMNS]
    return named.select(pl.concat_str(cells, separator="\t").alias("line")).to_series()


def _instant(name: str) -> pl.Expr:
    """Of an instant as PostgreSQL sends it, in hex: microseconds since 2000. To give a number since
    1970 it computes with decimal digits, which takes a tenth of the whole query.
    """
    sent = (
        pl.col(name).str.slice(2).str.to_integer(base=16, dtype=pl.UInt64).reinterpret(signed=True)
    )
    return pl.lit(_THE_YEAR_2000) + pl.duration(microseconds=sent)
