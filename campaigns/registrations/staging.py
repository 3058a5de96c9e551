"""Where the rows of one import or batch of registrations meet what is known of their fans: in SQL,
in one transaction. [C-4]

The stage is a temporary table of the transaction: `create_stage`, `add`, take out what is rejected,
`merge`.
"""

from __future__ import annotations

import polars as pl
from django.db import connection
from psycopg import sql

from campaigns.models import Campaign, Registrant, RegistrationImport
from campaigns.registrations.judging import STAGED
from datalake.erased.fans import Erased, known
from datalake.erased.names import name_of
from operations.database.copying import copy_nullable, copy_plain, frame_of
from operations.database.locks import lock_in_transaction
from operations.database.statements import rows, run, unhurried

TABLE = "registration_stage"


def create_stage() -> None:
    run("DROP TABLE IF EXISTS registration_stage")
    run("""CREATE TEMPORARY TABLE registration_stage (
            line bigint, global_user_id text, member_id text, email text, phone text,
            phone_region text, phone_confirmed boolean, country text, language text,
            preferences text[], registered_at timestamptz, changed_at timestamptz, tags text,
            shared_email text)
        ON COMMIT DROP""")


def add(acceptable: pl.DataFrame) -> None:
    """Stage rows (STAGED, without control characters)."""
    copy_plain(TABLE, STAGED, acceptable)


def reject(found: RegistrationImport, rejected: pl.DataFrame) -> None:
    """Write rows (REJECTED) into the ledger."""
    number = pl.lit(found.pk, dtype=pl.Int64).alias("registration_import_id")
    frame = rejected.select(
        number, pl.col("global_user_id").fill_null(""), pl.exclude("global_user_id")
    )
    copy_nullable("campaigns_rejectedregistration", frame)


SHARED = """
    DELETE FROM registration_stage WHERE line IN (
        SELECT line FROM (
            SELECT line, dense_rank() OVER (PARTITION BY nullif(shared_email, '')
                       ORDER BY first_line) AS by_email, shared_email,
                   dense_rank() OVER (PARTITION BY nullif(phone, '') ORDER BY first_line)
                       AS by_phone, phone
            FROM (SELECT *, min(line) OVER (PARTITION BY global_user_id) AS first_line
                FROM registration_stage) AS fans
        ) AS ranked WHERE (shared_email <> '' AND by_email > %(limit)s)
            OR (phone <> '' AND by_phone > %(limit)s))
    RETURNING line"""
REPEATED = """
    CREATE TEMPORARY TABLE registration_repeated ON COMMIT DROP AS
    SELECT global_user_id, min(registered_at) AS earliest FROM registration_stage
    GROUP BY 1 HAVING count(*) > 1"""
REPLACED = """
    DELETE FROM registration_stage WHERE line IN (
        SELECT line FROM (
            SELECT line, row_number() OVER (
                PARTITION BY global_user_id ORDER BY changed_at DESC, line DESC) AS place
            FROM registration_stage JOIN registration_repeated USING (global_user_id)
        ) AS ranked WHERE place > 1)
    RETURNING line"""
KEEP_EARLIEST = """
    UPDATE registration_stage AS stage SET registered_at = repeated.earliest
    FROM registration_repeated AS repeated
    WHERE repeated.global_user_id = stage.global_user_id
        AND repeated.earliest < stage.registered_at"""
KEEP_EARLIEST_KNOWN = """
    UPDATE campaigns_registrant AS known SET registered_at = stage.registered_at
    FROM registration_stage AS stage
    WHERE known.campaign_id = %(campaign)s AND known.global_user_id = stage.global_user_id
        AND stage.registered_at < known.registered_at"""
OLDER = """
    DELETE FROM registration_stage AS stage USING campaigns_registrant AS known
    WHERE known.campaign_id = %(campaign)s AND known.global_user_id = stage.global_user_id
        AND known.changed_at > stage.changed_at
    RETURNING stage.line"""


def take_out_erased(before: Erased) -> pl.Series:
    """Take out the rows of fans who were erased since `before`, by which they were judged: call it
    under the campaign's lock, which an erasure takes after it is known. Returns their lines,
    ascending. [X-11]
    """
    now = known()
    if now.fans.equals(before.fans):
        return NO_LINES
    staged = frame_of(
        """SELECT line, global_user_id, (extract(epoch FROM changed_at) * 1000000)::bigint AS at
           FROM registration_stage""",
        {"line": pl.Int64, "global_user_id": pl.String, "at": pl.Int64},
    )
    dates = pl.from_epoch(staged["at"], time_unit="us").dt.replace_time_zone("UTC")
    lines = staged.filter(now.since(staged["global_user_id"], dates))["line"].sort()
    run("DELETE FROM registration_stage WHERE line = ANY(%(lines)s)", lines=lines.to_list())
    return lines


def set_aside(campaign: Campaign) -> None:
    """Of staged fans whose erasure still waits, what was known when it was asked for gets the name
    of the erased fan now: what they do afterwards is new, and has nothing of it. Call it under the
    campaign's lock, before what is known is compared. [X-11]

    What has not been published yet is published under that name, without contacts.
    """
    erased = known()
    if erased.fans.is_empty():
        return
    query = "SELECT DISTINCT global_user_id FROM registration_stage"
    fans = frame_of(query, {"global_user_id": pl.String})["global_user_id"]
    if found := erased.among(fans):
        names = [name_of(campaign.campaign_id, fan, times) for fan, _, times in found]
        ids, instants, _ = zip(*found, strict=True)
        own = {"fans": [*ids], "instants": [*instants], "names": names}
        run(SET_ASIDE, campaign=campaign.pk, **own)


SET_ASIDE = """
    UPDATE campaigns_registrant AS known SET global_user_id = erased.name
    FROM unnest(%(fans)s::text[], %(instants)s::timestamptz[], %(names)s::text[])
        AS erased (fan, at, name)
    WHERE known.campaign_id = %(campaign)s AND known.global_user_id = erased.fan
        AND known.changed_at <= erased.at
        AND NOT EXISTS (SELECT FROM campaigns_registrant AS aside
            WHERE aside.campaign_id = %(campaign)s AND aside.global_user_id = erased.name)"""


def take_out_shared(limit: int) -> pl.Series:
    """Take out the rows of more fans than the limit who share an e-mail or phone: the first stay.
    Returns their lines, ascending. [S-6]
    """
    return _taken_out(SHARED, limit=limit) if limit else NO_LINES


def take_out_superseded(campaign: Campaign) -> pl.Series:
    """Leave the newest row of each fan, or the later one, unless a newer one is known; the earliest
    date of registration of all is kept. Returns the lines of the others, ascending. [C-4]
    """
    wait_for_others(campaign)
    lines = [_leave_newest()]
    if has_registrants(campaign):
        run(KEEP_EARLIEST_KNOWN, campaign=campaign.pk)
        lines.append(_taken_out(OLDER, campaign=campaign.pk))
    return pl.concat(lines).sort()


def _leave_newest() -> pl.Series:
    """The newest row of each fan stays, with the earliest date of registration of all of theirs."""
    run("DROP TABLE IF EXISTS registration_repeated")
    if not run(REPEATED):
        return NO_LINES
    lines = _taken_out(REPLACED)
    run(KEEP_EARLIEST)
    return lines


NO_LINES = pl.Series("line", dtype=pl.Int64)


def _taken_out(statement: str, **values: int) -> pl.Series:
    return frame_of(statement, {"line": pl.Int64}, **values)["line"].sort()


def has_registrants(campaign: Campaign) -> bool:
    return Registrant.objects.filter(campaign=campaign).exists()


def wait_for_others(campaign: Campaign) -> None:
    """Who is newest is settled for one file or batch of a campaign after the other; the lock ends
    with the transaction.
    """
    lock_in_transaction(f"registrations:{campaign.pk}")


MERGE = sql.SQL(
    """INSERT INTO campaigns_registrant (campaign_id, global_user_id, member_id, email, phone,
           phone_region, phone_confirmed, country, language, preferences, registered_at, changed_at,
           tags, published_by_id)
       SELECT %(campaign)s, global_user_id, member_id, email, phone, phone_region, phone_confirmed,
           country, language, preferences, registered_at, changed_at, tags, %(published_by)s
       FROM registration_stage {over_what_is_known}"""
)
OVER_WHAT_IS_KNOWN = sql.SQL(
    """ON CONFLICT (campaign_id, global_user_id) DO UPDATE SET
           member_id = excluded.member_id, email = excluded.email, phone = excluded.phone,
           phone_region = excluded.phone_region, phone_confirmed = excluded.phone_confirmed,
           country = excluded.country, preferences = excluded.preferences,
           language = coalesce(nullif(excluded.language, ''), campaigns_registrant.language),
           changed_at = excluded.changed_at,
           registered_at = least(campaigns_registrant.registered_at, excluded.registered_at),
           tags = excluded.tags, published_by_id = CASE
               WHEN date_trunc('milliseconds', campaigns_registrant.changed_at)
                   = date_trunc('milliseconds', excluded.changed_at)
               THEN campaigns_registrant.published_by_id
               ELSE excluded.published_by_id END"""
)


def merge(campaign: Campaign, *, published_by: RegistrationImport | None = None) -> None:
    """Write the staged rows, at most one for each fan by now, over what is known of these fans. A
    row without a language keeps the one that is known: records of the stream cannot carry any.

    `published_by`: the file that they come from; none for records of the stream. A record with the
    date of the one that is known has its identity (T-5), so that one's file publishes it, or has
    done so. [C-5]
    """
    over = OVER_WHAT_IS_KNOWN if has_registrants(campaign) else sql.SQL("")
    with unhurried():
        run(
            MERGE.format(over_what_is_known=over),
            campaign=campaign.pk,
            published_by=published_by.pk if published_by else None,
        )


def staged_tags() -> dict[str, int]:
    """How often each tag is staged, by name."""
    counts: dict[str, int] = {}
    for joined, count in rows("SELECT tags, count(*) FROM registration_stage GROUP BY 1"):
        for tag in filter(None, joined.split("|")):
            counts[tag] = counts.get(tag, 0) + count
    return dict(sorted(counts.items()))


def drop_older(campaign: Campaign) -> None:
    """Drop the staged rows that are not newer than what is known; a record with the date of the one
    we have is that one, come back to us. The earliest date of registration is kept. [C-4]
    """
    _leave_newest()
    run(KEEP_EARLIEST_KNOWN, campaign=campaign.pk)
    run(
        """DELETE FROM registration_stage AS stage USING campaigns_registrant AS known
           WHERE known.campaign_id = %(campaign)s AND known.global_user_id = stage.global_user_id
               AND date_trunc('milliseconds', known.changed_at) >= stage.changed_at""",
        campaign=campaign.pk,
    )


def remember(campaign: Campaign) -> None:
    """Keep what is known of the staged fans, to be compared once they are merged."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS registration_before")
        cursor.execute(
            """CREATE TEMPORARY TABLE registration_before ON COMMIT DROP AS
               SELECT DISTINCT stage.global_user_id, known.id, known.email, known.phone,
                   known.phone_confirmed, known.registered_at, known.preferences
               FROM registration_stage AS stage LEFT JOIN campaigns_registrant AS known
                   ON known.campaign_id = %s AND known.global_user_id = stage.global_user_id""",
            [campaign.pk],
        )


def moved(campaign: Campaign) -> int:
    """How many fans of the active score file the merge moved since `remember`: who are new, or
    whose contact or date of registration changed, or the preferences that the file does not know.
    [S-8]
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM registration_before AS before
               JOIN campaigns_fanscore AS score ON score.score_file_id = %s
                   AND score.global_user_id = before.global_user_id COLLATE "C"
               JOIN campaigns_registrant AS fan ON fan.campaign_id = %s
                   AND fan.global_user_id = before.global_user_id
               WHERE before.id IS NULL
                   OR (fan.email, fan.phone, fan.phone_confirmed, fan.registered_at)
                       IS DISTINCT FROM (before.email, before.phone, before.phone_confirmed,
                           before.registered_at)
                   OR (score.preferences IS NULL
                       AND fan.preferences IS DISTINCT FROM before.preferences)""",
            [campaign.active_score_file_id, campaign.pk],
        )
        (count,) = cursor.fetchone()
    return int(count)


def take_out_news(campaign: Campaign) -> list[int]:
    """Take the staged rows out that would change what is known, and return their lines: what came
    back to us changes nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM registration_stage AS stage WHERE NOT EXISTS (
                   SELECT FROM campaigns_registrant AS known
                   WHERE known.campaign_id = %s AND known.global_user_id = stage.global_user_id
                       AND date_trunc('milliseconds', known.changed_at) >= stage.changed_at
                       AND date_trunc('milliseconds', known.registered_at) <= stage.registered_at)
               RETURNING line""",
            [campaign.pk],
        )
        return sorted(line for (line,) in cursor.fetchall())
