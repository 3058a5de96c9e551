"""Registrations from a file or the stream: judged, the newest of each fan kept, published once. [C-4, C-5]"""

from collections.abc import Mapping
from typing import Any, BinaryIO

import polars as pl
from django.contrib.auth.models import User
from django.db import connection, transaction

from campaigns import rules
from campaigns.choices import CampaignStatus, Reason
from campaigns.duplicates import sha256_of
from campaigns.emails import canonical_email
from campaigns.models import Campaign, Market, RegistrationImport, RejectedRow
from campaigns.opening import require_open
from campaigns.registrationrows import COLUMNS, Registrations, instants, read, values_of
from campaigns.scoretables import copy_in
from campaigns.scrub import Rules, add_tallies, check_contacts, is_yes, tally
from datalake import records, storage, streams
from datalake.choices import RecordType, StreamName
from operations import jobs
from operations.jobs import Lease
from operations.models import Job

JOB = "import_registrations"
PUBLISH_AT_A_TIME = 25_000
STAGED: tuple[str, ...] = ("line", "raw", "global_user_id", "member_id", "email", "phone", "phone_region", "phone_confirmed")
STAGED += ("country", "preferences", "registered_at", "changed_at", "tags", "shared_email")


def subject_of(found: RegistrationImport) -> str:
    return f"registrations:{found.pk}"


def receive(campaign: Campaign, name: str, file: BinaryIO, *, by: User | None) -> RegistrationImport:
    """Take a file (seekable) into the scoring bucket; the same bytes again are the same import. [C-4]

    Raises WrongStatus, UnreadableFile, UnreadableList, ListEntryInvalid; then nothing is written.
    """
    require_open(campaign)
    rules.gather(campaign)
    next(read(file), None)  # a file that cannot be read is refused here
    file.seek(0)
    sha256, _ = sha256_of(file)
    values = {"name": name, "key": f"registrations/{campaign.campaign_id}/{sha256}", "created_by": by}
    found, is_new = RegistrationImport.objects.get_or_create(campaign=campaign, sha256=sha256, defaults=values)
    if is_new or not found.finished:
        file.seek(0)
        storage.scoring().put(found.key, file)
    return found


def open_job(found: RegistrationImport, *, by: User | None) -> Job:
    """The job of an import: the live one, the failed one set to run again, or a new one."""
    last = Job.objects.filter(kind=JOB, subject=subject_of(found)).order_by("-id").first()
    if last is not None and jobs.requeue(last.pk):
        return last
    return jobs.open_job(JOB, subject_of(found), by=by)


def process(job_id: int) -> RegistrationImport:
    """Import the job's file, all of it or nothing, then publish. A repeat of a finished import changes nothing."""
    number = int(Job.objects.get(pk=job_id).subject.removeprefix("registrations:"))
    with jobs.working(job_id) as lease:
        found = RegistrationImport.objects.select_related("campaign").get(pk=number)
        require_open(found.campaign)
        if not found.finished:
            with storage.scoring().open(found.key) as file, transaction.atomic():
                _import(found, file, lease)
        publish(found.campaign, f"import:{found.pk}")
        lease.update(rows_in=found.rows_in, rows_out=found.accepted, rows_rejected=found.rejected)
    return found


def _import(found: RegistrationImport, file: BinaryIO, lease: Lease) -> None:
    """In one transaction: stage what can be accepted, let SQL choose each fan's newest, write the ledger."""
    campaign, in_force = found.campaign, rules.gather(found.campaign)
    _create_stage()
    rejections: list[dict[str, int]] = []
    for chunk in read(file):
        judged = judge(chunk, in_force, _market_ids(campaign))
        rejected = judged.filter(pl.col("reason").is_not_null())
        rejections.append(tally(rejected["reason"]))
        _reject(found, rejected)
        copy_in("registration_stage", STAGED, judged.filter(pl.col("reason").is_null()))
        found.rows_in += judged.height
        lease.check_stop()
    shared = _reject_shared(found, in_force.max_fans_per_contact)
    superseded = _reject_superseded(found)
    _merge(campaign)
    found.tagged_by = _staged_tags()
    found.rejected_by = add_tallies([*rejections, shared, superseded])
    found.rejected = sum(found.rejected_by.values())
    found.accepted = found.rows_in - found.rejected
    found.finished = True
    found.save()
    lease.hold()


def judge(chunk: Registrations, in_force: Rules, market_ids: list[str]) -> pl.DataFrame:
    """Rows with `reason` (null = acceptable) and the columns STAGED. [C-4]"""
    rows = chunk.rows.with_columns(
        pl.col("country_code").str.to_uppercase().alias("country"),
        is_yes(pl.col("phone_confirmed")).alias("confirmed"),
        pl.lit(None, dtype=pl.String).alias("known_phone"),
        instants(chunk.rows["registered_at"]),
        instants(chunk.rows["date_created"]).alias("changed_at"),
        pl.col("market_preferences").str.split("|").list.eval(pl.element().str.strip_chars()).alias("wanted"),
    ).with_columns(pl.col("wanted").list.filter(pl.element() != "").list.unique(maintain_order=True))
    bad_date = pl.col("registered_at").is_null() | (pl.col("changed_at").is_null() & (pl.col("date_created") != ""))
    unknown = pl.col("wanted").list.eval(~pl.element().is_in(market_ids)).list.any()
    judged = check_contacts(rows, in_force).with_columns(
        pl.coalesce(
            pl.when(bad_date).then(pl.lit(Reason.MALFORMED_ROW.value)),
            pl.when(pl.col("global_user_id") == "").then(pl.lit(Reason.MISSING_USER_ID.value)),
            pl.col("contact_reason"),
            pl.when(unknown).then(pl.lit(Reason.UNKNOWN_MARKET.value)),
        ).alias("reason")
    )
    judged = judged.select(
        "reason",
        "line",
        "raw",
        "global_user_id",
        "member_id",
        pl.col("email", "phone", "phone_region").fill_null(""),
        pl.col("confirmed").alias("phone_confirmed"),
        pl.col("country").str.slice(0, 2),
        pl.concat_str(pl.lit("{"), pl.col("wanted").list.join(","), pl.lit("}")).alias("preferences"),
        pl.col("registered_at").dt.to_string("%+"),
        pl.coalesce("changed_at", "registered_at").dt.to_string("%+").alias("changed_at"),
        pl.col("tags").list.join("|"),
        canonical_email(judged["email"]).fill_null("").alias("shared_email"),
    )
    malformed = chunk.malformed.with_columns(pl.lit(Reason.MALFORMED_ROW.value).alias("reason"))
    return pl.concat([judged, malformed], how="diagonal").sort("line")


def _market_ids(campaign: Campaign) -> list[str]:
    return list(Market.objects.filter(campaign=campaign).values_list("market_id", flat=True))


def _create_stage() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS registration_stage")
        cursor.execute(
            """CREATE TEMPORARY TABLE registration_stage (
                line bigint, raw text, global_user_id text, member_id text, email text, phone text, phone_region text,
                phone_confirmed boolean, country text, preferences text[], registered_at timestamptz, changed_at timestamptz,
                tags text, shared_email text) ON COMMIT DROP"""
        )


def _reject(found: RegistrationImport, rejected: pl.DataFrame) -> None:
    number = pl.lit(found.pk, dtype=pl.Int64).alias("registration_import_id")
    frame = rejected.select(number, "line", pl.col("global_user_id").fill_null(""), "reason", "raw")
    copy_in("campaigns_rejectedrow", frame.columns, frame)


REJECT_STAGED = """
    WITH gone AS (DELETE FROM registration_stage WHERE line IN ({lines}) RETURNING line, global_user_id, raw)
    INSERT INTO campaigns_rejectedrow (registration_import_id, line, global_user_id, reason, raw)
    SELECT %(import)s, line, global_user_id, %(reason)s, raw FROM gone"""
SHARED = """
    SELECT line FROM (
        SELECT line, dense_rank() OVER (PARTITION BY nullif(shared_email, '') ORDER BY first_line) AS by_email, shared_email,
               dense_rank() OVER (PARTITION BY nullif(phone, '') ORDER BY first_line) AS by_phone, phone
        FROM (SELECT *, min(line) OVER (PARTITION BY global_user_id) AS first_line FROM registration_stage) AS fans
    ) AS ranked WHERE (shared_email <> '' AND by_email > %(limit)s) OR (phone <> '' AND by_phone > %(limit)s)"""
OLDER = """
    SELECT stage.line FROM (
        SELECT line, global_user_id, changed_at,
               row_number() OVER (PARTITION BY global_user_id ORDER BY changed_at DESC, line DESC) AS place
        FROM registration_stage) AS stage
    LEFT JOIN campaigns_registrant AS known
        ON known.campaign_id = %(campaign)s AND known.global_user_id = stage.global_user_id
    WHERE stage.place > 1 OR known.changed_at > stage.changed_at"""


def _reject_shared(found: RegistrationImport, limit: int) -> dict[str, int]:
    """More fans of the file than the limit share an e-mail or phone: the first stay. [S-6]"""
    return _reject_staged(found, Reason.SHARED_CONTACT, SHARED, limit=limit) if limit else {}


def _reject_superseded(found: RegistrationImport) -> dict[str, int]:
    """The newest record of a fan wins, then the later one; the earliest registration date of all is kept. [C-4]"""
    with connection.cursor() as cursor:
        cursor.execute("""
            UPDATE registration_stage SET registered_at = earliest.at FROM (
                SELECT global_user_id, min(registered_at) AS at FROM registration_stage GROUP BY 1 HAVING count(*) > 1
            ) AS earliest WHERE earliest.global_user_id = registration_stage.global_user_id""")
        cursor.execute(
            """UPDATE campaigns_registrant AS known SET registered_at = stage.registered_at FROM registration_stage AS stage
               WHERE known.campaign_id = %s AND known.global_user_id = stage.global_user_id
                   AND stage.registered_at < known.registered_at""",
            [found.campaign_id],
        )
    return _reject_staged(found, Reason.SUPERSEDED, OLDER, campaign=found.campaign_id)


def _reject_staged(found: RegistrationImport, reason: Reason, lines: str, **values: int | str) -> dict[str, int]:
    with connection.cursor() as cursor:
        statement = REJECT_STAGED.format(lines=lines)
        cursor.execute(statement, values | {"import": found.pk, "reason": reason.value})
        return {reason.value: cursor.rowcount} if cursor.rowcount else {}


def _merge(campaign: Campaign, *, published: bool = False) -> None:
    """Write the staged rows, at most one for each fan by now, over what is known of these fans."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO campaigns_registrant (campaign_id, global_user_id, member_id, email, phone, phone_region,
                   phone_confirmed, country, preferences, registered_at, changed_at, tags, published)
               SELECT %s, global_user_id, member_id, email, phone, phone_region, phone_confirmed, country, preferences,
                   registered_at, changed_at, tags, %s FROM registration_stage ORDER BY line
               ON CONFLICT (campaign_id, global_user_id) DO UPDATE SET
                   member_id = excluded.member_id, email = excluded.email, phone = excluded.phone,
                   phone_region = excluded.phone_region, phone_confirmed = excluded.phone_confirmed,
                   country = excluded.country, preferences = excluded.preferences, changed_at = excluded.changed_at,
                   registered_at = least(campaigns_registrant.registered_at, excluded.registered_at),
                   tags = excluded.tags, published = excluded.published""",
            [campaign.pk, published],
        )


def _staged_tags() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT tag, count(*) FROM registration_stage, string_to_table(tags, '|') AS tag WHERE tag <> ''
               GROUP BY 1 ORDER BY 1"""
        )
        return dict(cursor.fetchall())


def publish(campaign: Campaign, key: str) -> int:
    """Put the registrations that are not published yet on the stream, each once. Returns how many. [C-5]"""
    sent = 0
    while batch := _publish_some(campaign, f"{key}:after-{sent}"):
        sent += batch
    return sent


@transaction.atomic
def _publish_some(campaign: Campaign, key: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE campaigns_registrant SET published = true WHERE id IN (
                   SELECT id FROM campaigns_registrant WHERE campaign_id = %s AND NOT published
                   ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
               RETURNING id, changed_at, global_user_id, member_id, coalesce(preferences[1], ''), email, phone, tags""",
            [campaign.pk, PUBLISH_AT_A_TIME],
        )
        rows = sorted(cursor.fetchall())
    if rows:
        frame = _registration_records(campaign, rows)
        streams.publish_frame(StreamName.INPUT, RecordType.REGISTRATION, frame, key=f"registrations:{campaign.pk}:{key}")
    return len(rows)


def _registration_records(campaign: Campaign, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    flat = pl.DataFrame(
        {
            "created": [records.format_instant(row[1]) for row in rows],
            "campaignId": [campaign.campaign_id] * len(rows),
            "globalUserId": [row[2] for row in rows],
            "memberId": [row[3] for row in rows],
            "marketId": [row[4] for row in rows],
            "email": [row[5] for row in rows],
            "phone": [row[6] for row in rows],
            "tags": [row[7].split("|") if row[7] else [] for row in rows],
        },
        schema_overrides={"tags": pl.List(pl.String)},
    )
    return records.shape(RecordType.REGISTRATION, flat)


def take_from_stream(taken: list[dict[str, Any]]) -> Mapping[int, str]:
    """Registrations that other services put on the stream; they are not published again. [C-4, C-5]

    Returns which records (by their number) are refused, and why. What we published ourselves comes by here too, and is known.
    """
    refused: dict[int, str] = {}
    for campaign_id in sorted({record["campaignId"] for record in taken}):
        numbers = [number for number, record in enumerate(taken) if record["campaignId"] == campaign_id]
        campaign = Campaign.objects.filter(campaign_id=campaign_id, status=CampaignStatus.OPEN).first()
        if campaign is None:
            refused |= dict.fromkeys(numbers, f"campaign {campaign_id} is not open, or not known")
        else:
            refused |= _take(campaign, {number: taken[number] for number in numbers})
    return refused


def _take(campaign: Campaign, taken: dict[int, dict[str, Any]]) -> dict[int, str]:
    schema = {"line": pl.Int64, "raw": pl.String, **dict.fromkeys(COLUMNS, pl.String)}
    rows = pl.DataFrame([(number, "", *values_of(record)) for number, record in taken.items()], schema=schema, orient="row")
    chunk = Registrations(rows, pl.DataFrame(schema={"line": pl.Int64, "raw": pl.String}))
    judged = judge(chunk, rules.gather(campaign), _market_ids(campaign))
    _create_stage()
    copy_in("registration_stage", STAGED, judged.filter(pl.col("reason").is_null()))
    with connection.cursor() as cursor:  # a record with the date of the one we have is that one, come back to us
        cursor.execute(
            """DELETE FROM registration_stage AS stage USING campaigns_registrant AS known
               WHERE known.campaign_id = %s AND known.global_user_id = stage.global_user_id
                   AND date_trunc('milliseconds', known.changed_at) >= stage.changed_at""",
            [campaign.pk],
        )
        cursor.execute(
            """DELETE FROM registration_stage AS older USING registration_stage AS newer
               WHERE newer.global_user_id = older.global_user_id
                   AND (newer.changed_at, newer.line) > (older.changed_at, older.line)"""
        )
    _merge(campaign, published=True)
    rejected = judged.filter(pl.col("reason").is_not_null())
    return dict(zip(rejected["line"].to_list(), rejected["reason"].to_list(), strict=True))


def rejected_rows(found: RegistrationImport) -> list[RejectedRow]:
    """The first rejected rows of an import, for the page that shows them."""
    return list(found.rejected_rows.order_by("line")[:100])
