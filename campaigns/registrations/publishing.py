"""Accepted registrations go on the stream, each once. [C-5]

A registrant names the file that publishes it, and a file how far it has come, by the ids of its
registrants. So no row is written again when it is published: marking each took as long as adding
it, for all of its indexes have a new entry then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import polars as pl
from django.db import transaction
from django.db.models import Exists, OuterRef

from campaigns.models import Campaign, Registrant, RegistrationImport
from campaigns.scoring.outcomes import tag_lists
from datalake import records, streams
from datalake.choices import RecordType, StreamName
from datalake.erased.tombstones import are_tombstones
from operations.database.copying import frame_of

PUBLISH_AT_A_TIME = 25_000
ROWS = """SELECT id, changed_at AT TIME ZONE 'UTC' AS changed_at, global_user_id, member_id,
        coalesce(preferences[1], '') AS market_id, email, phone, tags
    FROM campaigns_registrant WHERE published_by_id = %(by)s AND id > %(behind)s
    ORDER BY id LIMIT %(most)s FOR KEY SHARE"""
SCHEMA = {"id": pl.Int64} | dict.fromkeys(
    ("changed_at", "global_user_id", "member_id", "market_id", "email", "phone", "tags"), pl.String
)


def publish(campaign: Campaign, on_sent: Callable[[int], None] = lambda sent: None) -> int:
    """Put the registrations that are not published yet on the stream, each once. Returns how many.
    [C-5]
    """
    sent = 0
    on_sent(sent)
    left = Registrant.objects.filter(published_by=OuterRef("pk"), pk__gt=OuterRef("published_to"))
    finished = RegistrationImport.objects.filter(campaign=campaign, finished=True)
    files = finished.filter(Exists(left)).order_by("pk")  # of those that are published, one query
    for number in files.values_list("pk", flat=True):
        while some := _publish_some(campaign, number):
            sent += some
            on_sent(sent)
    return sent


@transaction.atomic
def _publish_some(campaign: Campaign, number: int) -> int:
    """How far the file has come and the batches are committed together. Who publishes the same file
    waits here, and whoever would erase one of these registrants waits for the batches.

    The batches' key is made from what they hold, so no two share one.
    """
    file = RegistrationImport.objects.select_for_update(no_key=True).only("pk", "published_to")
    behind = file.get(pk=number).published_to
    rows = frame_of(ROWS, SCHEMA, by=number, behind=behind, most=PUBLISH_AT_A_TIME)
    if rows.height:
        frame = _records(campaign, rows)
        held = hashlib.sha256("".join(frame["dedupeHash"].to_list()).encode()).hexdigest()
        key = f"registrations:{campaign.pk}:{held}"
        streams.publish_frame(StreamName.INPUT, RecordType.REGISTRATION, frame, key=key)
        RegistrationImport.objects.filter(pk=number).update(published_to=rows["id"][-1])
    return rows.height


def _records(campaign: Campaign, rows: pl.DataFrame) -> pl.DataFrame:
    # what a newer registration has set aside keeps its contacts until its erasure has read them
    erased = are_tombstones(rows["global_user_id"])
    contacts = pl.when(~erased).then(pl.col("member_id", "email", "phone")).name.keep()
    flat = rows.with_columns(contacts).select(
        _stamp(pl.col("changed_at")).alias("created"),
        pl.lit(campaign.campaign_id).alias("campaignId"),
        pl.col("global_user_id").alias("globalUserId"),
        pl.col("member_id").alias("memberId"),
        pl.col("market_id").alias("marketId"),
        "email",
        "phone",
        tag_lists(rows["tags"]),
    )
    return records.shape(RecordType.REGISTRATION, flat)


def _stamp(written: pl.Expr) -> pl.Expr:
    """PostgreSQL's `YYYY-MM-DD HH:MM:SS[.f…]`, in UTC, as `instants.stamp` writes it: milliseconds
    are cut off, not rounded. [T-5]
    """
    milliseconds = written.str.slice(20, 3).str.pad_end(3, "0")
    day, time = written.str.slice(0, 10), written.str.slice(11, 8)
    return pl.concat_str(day, pl.lit("T"), time, pl.lit("."), milliseconds, pl.lit("Z"))
