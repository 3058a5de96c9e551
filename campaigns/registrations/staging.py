"""Where the rows of one import or batch of registrations meet what is known of their fans: in SQL,
in one transaction. [C-4]

The stage is a temporary table of the transaction: `create_stage`, COPY into TABLE by STAGED,
reject, `merge`.
"""

from __future__ import annotations

import polars as pl
from django.db import connection

from campaigns.choices import Reason
from campaigns.models import Campaign, RegistrationImport
from campaigns.registrations.judging import SEARCHED
from operations.database.copying import copy_nullable
from operations.database.locks import lock_in_transaction

TABLE = "registration_stage"
STAGED: tuple[str, ...] = (
    "line",
    "raw",
    "global_user_id",
    "member_id",
    "email",
    "phone",
    "phone_region",
    "phone_confirmed",
)
STAGED += (
    "country",
    "language",
    "preferences",
    "registered_at",
    "changed_at",
    "tags",
    "shared_email",
)
STAGED += tuple(SEARCHED.values())


def create_stage() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS registration_stage")
        cursor.execute("""CREATE TEMPORARY TABLE registration_stage (
                line bigint, raw text, global_user_id text, member_id text, email text, phone text,
                    phone_region text,
                phone_confirmed boolean, country text, language text, preferences text[],
                registered_at timestamptz, changed_at timestamptz, tags text, shared_email text,
                searched_email text, searched_phone text, searched_member_id text)
            ON COMMIT DROP""")


def add(judged: pl.DataFrame) -> None:
    """Stage rows (STAGED) that can be accepted."""
    copy_nullable(TABLE, judged.select(STAGED))


def reject(found: RegistrationImport, rejected: pl.DataFrame) -> None:
    number = pl.lit(found.pk, dtype=pl.Int64).alias("registration_import_id")
    frame = rejected.select(
        *(number, "line", pl.col("global_user_id").fill_null(""), "reason", "raw"),
        *(pl.col(searched).alias(name) for name, searched in SEARCHED.items()),
    )
    copy_nullable("campaigns_rejectedregistration", frame)


REJECT_STAGED = """
    WITH gone AS (DELETE FROM registration_stage WHERE line IN ({lines})
        RETURNING line, global_user_id, raw, searched_email, searched_phone, searched_member_id)
    INSERT INTO campaigns_rejectedregistration (registration_import_id, line, global_user_id,
        reason, raw, email, phone, member_id)
    SELECT %(import)s, line, global_user_id, %(reason)s, raw, searched_email, searched_phone,
        searched_member_id FROM gone"""
SHARED = """
    SELECT line FROM (
        SELECT line, dense_rank() OVER (PARTITION BY nullif(shared_email, '') ORDER BY first_line)
            AS by_email, shared_email,
               dense_rank() OVER (PARTITION BY nullif(phone, '') ORDER BY first_line)
                   AS by_phone, phone
        FROM (SELECT *, min(line) OVER (PARTITION BY global_user_id) AS first_line
            FROM registration_stage) AS fans
    ) AS ranked WHERE (shared_email <> '' AND by_email > %(limit)s) OR (phone <> ''
        AND by_phone > %(limit)s)"""
OLDER = """
    SELECT stage.line FROM (
        SELECT line, global_user_id, changed_at,
               row_number() OVER (PARTITION BY global_user_id ORDER BY changed_at DESC, line DESC)
                   AS place
        FROM registration_stage) AS stage
    LEFT JOIN campaigns_registrant AS known
        ON known.campaign_id = %(campaign)s AND known.global_user_id = stage.global_user_id
    WHERE stage.place > 1 OR known.changed_at > stage.changed_at"""


def reject_shared(found: RegistrationImport, limit: int) -> dict[str, int]:
    """More fans of the file than the limit share an e-mail or phone: the first stay. [S-6]"""
    return _reject_staged(found, Reason.SHARED_CONTACT, SHARED, limit=limit) if limit else {}


def reject_superseded(found: RegistrationImport) -> dict[str, int]:
    """The newest record of a fan wins, then the later one. [C-4]"""
    wait_for_others(found.campaign)
    keep_earliest_dates(found.campaign)
    return _reject_staged(found, Reason.SUPERSEDED, OLDER, campaign=found.campaign_id)


def wait_for_others(campaign: Campaign) -> None:
    """Who is newest is settled for one file or batch of a campaign after the other; the lock ends
    with the transaction.
    """
    lock_in_transaction(f"registrations:{campaign.pk}")


def keep_earliest_dates(campaign: Campaign) -> None:
    """The earliest registration date of all records of a fan is kept, whichever record wins.
    [C-4]
    """
    with connection.cursor() as cursor:
        cursor.execute("""
            UPDATE registration_stage SET registered_at = earliest.at FROM (
                SELECT global_user_id, min(registered_at) AS at FROM registration_stage
                    GROUP BY 1 HAVING count(*) > 1
            ) AS earliest WHERE earliest.global_user_id = registration_stage.global_user_id""")
        cursor.execute(
            """UPDATE campaigns_registrant AS known SET registered_at = stage.registered_at
               FROM registration_stage AS stage
               WHERE known.campaign_id = %s AND known.global_user_id = stage.global_user_id
                   AND stage.registered_at < known.registered_at""",
            [campaign.pk],
        )


def _reject_staged(
    found: RegistrationImport, reason: Reason, lines: str, **values: int | str
) -> dict[str, int]:
    with connection.cursor() as cursor:
        statement = REJECT_STAGED.format(lines=lines)
        cursor.execute(statement, values | {"import": found.pk, "reason": reason.value})
        return {reason.value: cursor.rowcount} if cursor.rowcount else {}


def merge(campaign: Campaign, *, published_by: RegistrationImport | None = None) -> None:
    """Write the staged rows, at most one for each fan by now, over what is known of these fans. A
    row without a language keeps the one that is known: records of the stream cannot carry any.

    `published_by`: the file that they come from; none for records of the stream. A record with the
    date of the one that is known has its identity (T-5), so that one's file publishes it, or has
    done so. [C-5]
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO campaigns_registrant (campaign_id, global_user_id, member_id, email,
                   phone, phone_region, phone_confirmed, country, language, preferences,
                   registered_at, changed_at, tags, published_by_id)
               SELECT %s, global_user_id, member_id, email, phone, phone_region, phone_confirmed,
                   country, language, preferences, registered_at, changed_at, tags, %s
               FROM registration_stage ORDER BY line
               ON CONFLICT (campaign_id, global_user_id) DO UPDATE SET
                   member_id = excluded.member_id, email = excluded.email, phone = excluded.phone,
                   phone_region = excluded.phone_region, phone_confirmed = excluded.phone_confirmed,
                   country = excluded.country, preferences = excluded.preferences,
                   language =
                       coalesce(nullif(excluded.language, ''), campaigns_registrant.language),
                   changed_at = excluded.changed_at,
                   registered_at =
                       least(campaigns_registrant.registered_at, excluded.registered_at),
                   tags = excluded.tags, published_by_id = CASE
                       WHEN date_trunc('milliseconds', campaigns_registrant.changed_at)
                           = date_trunc('milliseconds', excluded.changed_at)
                       THEN campaigns_registrant.published_by_id
                       ELSE excluded.published_by_id END""",
            [campaign.pk, published_by.pk if published_by else None],
        )


def staged_tags() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT tag, count(*) FROM registration_stage, string_to_table(tags, '|') AS tag
               WHERE tag <> '' GROUP BY 1 ORDER BY 1"""
        )
        return dict(cursor.fetchall())


def drop_older(campaign: Campaign) -> None:
    # a record with the date of the one we have is that one, come back to us
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM registration_stage AS stage USING campaigns_registrant AS known
               WHERE known.campaign_id = %s AND known.global_user_id = stage.global_user_id
                   AND date_trunc('milliseconds', known.changed_at) >= stage.changed_at""",
            [campaign.pk],
        )
        cursor.execute("""DELETE FROM registration_stage AS older USING registration_stage AS newer
               WHERE newer.global_user_id = older.global_user_id
                   AND (newer.changed_at, newer.line) > (older.changed_at, older.line)""")


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
