from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from datalake import adopt, save
from datalake.avro import columns
from datalake.avro.container import Summary
from datalake.dead_letters import replay
from datalake.errors import StreamUnreachable
from datalake.models import Checkpoint, Claim, DeadLetter, LakeFile, PublishedDay, StreamBatch
from datalake.parity import published
from datalake.parity.comparison import Published
from tests.datalake.lake_cases import put_foreign, save_loose, valid
from tests.support.lake import publish_registrations, publish_scores, scoring_frame

pytestmark = pytest.mark.django_db

DAY = date(2026, 1, 20)


def counted(record_type="scoring"):
    published.count_published()
    return published.published_days(record_type)


def content_of(*frames):
    encoded = [record for frame in frames for record in columns.encode("scoring", frame)]
    return Published(Summary(len(encoded), columns.content_hash(encoded)))


def test_x9_what_a_day_published_is_counted_from_the_streams_and_not_from_the_lake():
    save_loose(3, 2)
    LakeFile.objects.update(records=0, content_hash="f" * 64)
    assert counted() == {DAY: content_of(scoring_frame(5))}


def test_x9_a_claim_is_counted_once_and_may_then_leave_the_stream():
    save_loose(3)
    counted()
    StreamBatch.objects.all().delete()
    assert counted() == {DAY: content_of(scoring_frame(3))}
    assert Checkpoint.objects.get(consumer="parity").position == 1


def test_x9_records_count_on_their_own_days():
    later = datetime(2026, 1, 21, tzinfo=UTC)
    publish_scores(3, key="a")
    publish_scores(2, first=3, key="b", created=later)
    save.save("scored")
    assert counted() == {
        DAY: content_of(scoring_frame(3)),
        date(2026, 1, 21): content_of(scoring_frame(2, first=3, created=later)),
    }


def test_t1_x9_a_record_that_was_published_again_counts_once_where_it_came_first():
    """Within one claim and with another; the second has another date, and so other content."""
    publish_scores(3, key="a")
    publish_scores(3, key="b", created=datetime(2026, 1, 21, tzinfo=UTC))
    save.save("scored")
    publish_scores(4, key="c", created=datetime(2026, 1, 22, tzinfo=UTC))
    save.save("scored")
    new = scoring_frame(1, first=3, created=datetime(2026, 1, 22, tzinfo=UTC))
    assert counted() == {DAY: content_of(scoring_frame(3)), date(2026, 1, 22): content_of(new)}


def test_x9_invalid_records_do_not_count_until_they_are_replayed_corrected():
    publish_registrations(1, 2, key="a")
    publish_registrations(3, key="b", campaignId="")
    save.save("input")
    assert counted("registration")[DAY].content.records == 2
    replay.replay(DeadLetter.objects.get().pk, corrected=valid(3))
    save.save("input")
    assert counted("registration")[DAY].content.records == 3


def test_l3_x9_records_of_files_that_others_put_there_count_as_they_were_saved():
    put_foreign("theirs", [valid(1), valid(2)])
    adopt.adopt("avro/registration/2026/01/20/theirs.avro")
    found = counted("registration")[DAY]
    assert (found.content.records, found.from_files) == (2, 2)


def test_x9_a_claim_that_another_process_has_counted_is_not_counted_again(monkeypatch):
    save_loose(3)
    real = published._content

    def meanwhile(claim):
        found = real(claim)
        published._enter(claim, found)
        return found

    monkeypatch.setattr(published, "_content", meanwhile)
    assert published.count_published() == 0
    assert PublishedDay.objects.get().records == 3
    assert Claim.objects.filter(is_counted=False).count() == 0


def test_x9_a_stream_that_cannot_be_read_now_ends_the_count_of_no_other(monkeypatch):
    save_loose(3)
    publish_registrations(1, 2, key="a")
    save.save("input")
    real = published.streams.read

    def read(stream, *about, **shard):
        if stream == "scored":
            raise StreamUnreachable("no answer")
        return real(stream, *about, **shard)

    with monkeypatch.context() as away:
        away.setattr(published.streams, "read", read)
        with pytest.raises(StreamUnreachable):
            published.count_published()
    assert PublishedDay.objects.get().record_type == "registration"
    assert published.count_published() == 1


def test_x11_x9_tombstones_stay_in_the_count_with_their_own_content():
    save_loose(3)
    counted()
    was = columns.encode("scoring", scoring_frame(3))
    erased = [was[0] + b"erased"]
    published.add_tombstones(
        "scoring",
        DAY,
        records=1,
        before=columns.content_hash(was[:1]),
        after=columns.content_hash(erased),
    )
    after = columns.content_hash([*erased, *was[1:]])
    assert counted() == {DAY: Published(Summary(3, after), tombstones=1)}
