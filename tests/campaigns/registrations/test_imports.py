"""Registrations from files and from the stream: the newest of each fan kept, published once. [C-4,
C-5]
"""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from django.core.management import call_command

from campaigns.errors import UnreadableFile, WrongStatus
from campaigns.models import Campaign, ListEntry, Market, Registrant, RegistrationImport
from campaigns.opening import close_campaign
from campaigns.registrations import imports, publishing, staging
from campaigns.registrations import records as of_stream
from datalake import streams
from datalake.choices import StreamName
from datalake.erased.fans import mark
from datalake.errors import NotAvro
from datalake.models import DeadLetter, StreamBatch
from datalake.streams import consumers
from operations import jobs
from operations.choices import JobState
from operations.errors import LeaseLost
from operations.models import Job
from tests.campaigns.registrations.registration_cases import (
    at,
    from_elsewhere,
    process,
    published,
    reasons,
    receive,
    unpublished,
)
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    registration_bytes,
    registration_row,
)
from tests.support.connections import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
NAMED = f"erased:{chr(48) * 64}.1"


def consume() -> None:
    consumers.consume(["registrations"], once=True)


def test_a_registration_becomes_a_registrant():
    campaign = make_campaign()
    row = registration_row(
        1,
        email=" Fan@Mail.Example ",
        phone="(206) 555-0100",
        phone_confirmed="TRUE",
        market_preferences=" east | west|east",
    )
    found = import_registrations(campaign, [row])
    assert (found.rows_in, found.accepted, found.rejected, found.finished) == (1, 1, 0, True)
    fan = Registrant.objects.get()
    assert (fan.email, fan.phone, fan.phone_region, fan.phone_confirmed) == (
        "fan@mail.example",
        "+12065550100",
        "US",
        True,
    )
    assert (fan.country, fan.preferences, fan.member_id, fan.verdict) == (
        "US",
        ["east", "west"],
        "member-1",
        None,
    )
    assert fan.registered_at == fan.changed_at == datetime(2026, 1, 5, 10, tzinfo=UTC)


def test_columns_come_in_any_order_and_only_two_are_needed():
    campaign = make_campaign()
    import_registrations(
        campaign,
        [registration_row(1)],
        columns=["registered_at", "shoe_size", "email", "global_user_id"],
    )
    fan = Registrant.objects.get()
    assert (fan.global_user_id, fan.email, fan.phone, fan.preferences, fan.tags) == (
        "fan-1",
        "fan1@mail.example",
        "",
        [],
        "missing_phone",
    )


def test_rows_are_rejected_for_the_first_reason_that_applies():
    campaign = make_campaign(markets=("west",))
    ListEntry.objects.create(campaign=campaign, kind="blacklist", pattern="@bad.example")
    ListEntry.objects.create(campaign=campaign, kind="disposable", pattern="throw.example")
    good = {"market_preferences": "west"}
    rows = [
        registration_row(1, **good),
        b"only,three,columns",
        b"",
        registration_row(2, **good, registered_at="2026-01-05T10:00:00"),
        registration_row(3, **good, registered_at=""),
        registration_row(4, **good, date_created="yesterday"),
        registration_row(5, **good, member_id="a\x00b"),
        registration_row(6, **good, global_user_id=" "),
        registration_row(7, **good, email="x@bad.example"),
        registration_row(8, **good, email="x@throw.example"),
        registration_row(9, **good, phone="+442079460123"),
        registration_row(10, **good, phone="", email="nonsense"),
        registration_row(11, market_preferences="west|atlantis"),
        registration_row(12, **good, global_user_id="x" * 501),
    ]
    found = import_registrations(campaign, rows)
    malformed = [(line, "malformed_row") for line in (3, 4, 5, 6, 7, 8)]
    assert reasons(found) == [
        *malformed,
        (9, "missing_user_id"),
        (10, "blacklisted_domain"),
        (11, "disposable_domain"),
        (12, "intl_phone"),
        (13, "no_contact"),
        (14, "unknown_market"),
        (15, "malformed_row"),
    ]
    assert found.rows_in == found.accepted + sum(found.rejected_by.values()) == 14
    job = Job.objects.get()
    assert (job.rows_in, job.rows_out, job.rows_rejected) == (14, 1, 13)


def test_the_same_bytes_are_the_same_import_and_nothing_is_published_twice():
    """[C-5]"""
    campaign, content = (
        make_campaign(),
        registration_bytes([registration_row(1), registration_row(2)]),
    )
    first = process(receive(campaign, content))
    again = receive(campaign, content)
    assert again == first
    assert process(again).accepted == 2
    assert RegistrationImport.objects.count() == 1
    import_registrations(campaign, [registration_row(2), registration_row(3)])
    assert sorted(record["globalUserId"] for record in published()) == ["fan-1", "fan-2", "fan-3"]


def test_c5_the_command_run_again_goes_on_publishing_where_that_broke_off(monkeypatch, tmp_path):
    campaign, file = make_campaign(), tmp_path / "registrations.csv"
    file.write_bytes(registration_bytes([registration_row(1)]))
    with monkeypatch.context() as patch:
        patch.setattr(imports, "publish", Mock(side_effect=OSError("away")))
        with pytest.raises(SystemExit):
            call_command("import_registrations", campaign.campaign_id, str(file))
    assert RegistrationImport.objects.get().rejected_key
    assert published() == []
    for _ in range(2):
        call_command("import_registrations", campaign.campaign_id, str(file))
        assert len(published()) == 1
    assert Job.objects.get().state == JobState.DONE


def test_an_import_killed_after_its_commit_ends_as_done_though_the_campaign_is_closed(monkeypatch):
    campaign = make_campaign()
    found = receive(campaign, registration_bytes([registration_row(1)]))
    with monkeypatch.context() as patch:
        patch.setattr(imports, "publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            process(found)
    close_campaign(campaign.pk, by=None)
    assert process(found).accepted == 1
    assert Job.objects.get().state == JobState.DONE
    assert len(published()) == 1


def test_an_import_that_fails_in_the_middle_writes_nothing(monkeypatch):
    campaign = make_campaign()
    found = receive(campaign, registration_bytes([registration_row(n) for n in range(20)]))
    with monkeypatch.context() as patch:
        patch.setattr(staging, "merge", Mock(side_effect=OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            process(found)
    assert not Registrant.objects.exists()
    assert not found.rejected_rows.exists()
    assert Job.objects.get().state == JobState.FAILED
    assert process(found).accepted == 20


def test_a_worker_that_was_taken_over_imports_nothing(monkeypatch):
    """[O-6]"""
    campaign = make_campaign()
    found = receive(campaign, registration_bytes([registration_row(1)]))
    job, real = imports.open_job(found, by=None), staging.merge
    monkeypatch.setattr(
        staging, "merge", lambda *a, **named: (Job.objects.update(attempt=99), real(*a, **named))
    )
    with pytest.raises(LeaseLost):
        imports.process(job.pk)
    assert not Registrant.objects.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"global_user_id,registered_at\n", "contains no registrations"),
        (b"global_user_id,email\nfan,a@b.example\n", "is missing the column registered_at"),
        (b"global_user_id,registered_at,email,email\nfan,x,y,z\n", "has a column twice: email"),
        (b"\x89PNG\r\n\x1a\n", "cannot be read"),
        (b"global_user_id,registered_at,gr\xf6\xdfe\nfan,x,y\n", "cannot be read"),
        (b"global_user_id,registered_at,a\x01b\nfan,x,y\n", "cannot be read"),
        (b"Obj\x01\x04\x16", "incomplete"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_job(content, says):
    """[C-4]"""
    found = receive(make_campaign(), content)
    with pytest.raises((UnreadableFile, NotAvro), match=says):
        process(found)
    assert says in Job.objects.get().error
    assert not RegistrationImport.objects.filter(finished=True).exists()


def test_a_file_that_is_too_large_leaves_nothing_behind(settings):
    """[S-1]"""
    settings.UPLOAD_MAX_BYTES = 10
    with pytest.raises(UnreadableFile, match="larger than 10 bytes"):
        receive(make_campaign(), registration_bytes([registration_row(1)]))
    assert not RegistrationImport.objects.exists()


def test_a_campaign_that_is_not_open_takes_none():
    """[C-2]"""
    with pytest.raises(WrongStatus):
        receive(make_campaign(opened=False), registration_bytes([registration_row(1)]))
    campaign = make_campaign()
    found = receive(campaign, registration_bytes([registration_row(1)]))
    close_campaign(campaign.pk, by=None)
    with pytest.raises(WrongStatus):
        process(found)


def put_on_stream(*taken: dict) -> None:
    key = f"elsewhere:{StreamBatch.objects.count()}"
    streams.publish(
        StreamName.INPUT,
        [streams.Record(record["globalUserId"], record) for record in taken],
        key=key,
    )


def test_registrations_from_the_stream_are_taken_and_not_published_again():
    """[C-4, C-5]"""
    campaign = make_campaign()
    put_on_stream(
        from_elsewhere(campaign, 1),
        from_elsewhere(campaign, 2, tags=["unconfirmed_phone"], marketId=None),
    )
    consume()
    found = {
        fan.global_user_id: (fan.preferences, fan.phone_confirmed)
        for fan in Registrant.objects.all()
    }
    assert found == {"fan-1": (["east"], True), "fan-2": ([], False)}
    assert not unpublished(campaign).exists()
    assert publishing.publish(campaign) == 0
    assert len(published()) == 2


def test_what_we_published_ourselves_comes_by_and_changes_nothing():
    """[C-5]"""
    campaign = make_campaign()
    import_registrations(
        campaign,
        [registration_row(1, registered_at=at(3), date_created="2026-01-05T10:00:00.123456Z")],
    )
    before = Registrant.objects.values().get()
    consume()
    assert Registrant.objects.values().get() == before
    assert not DeadLetter.objects.exists()


def test_a_newer_record_of_the_stream_wins_and_an_older_one_only_gives_its_date():
    """[C-4]"""
    campaign = make_campaign()
    import_registrations(campaign, [registration_row(1, registered_at=at(5), date_created=at(5))])
    put_on_stream(from_elsewhere(campaign, 1, date={"created": at(3)}, email="older@mail.example"))
    consume()
    fan = Registrant.objects.get()
    assert (fan.email, fan.registered_at.day, fan.preferences) == (
        "fan1@mail.example",
        3,
        ["west", "east"],
    )
    put_on_stream(from_elsewhere(campaign, 1, date={"created": at(9)}, email="newer@mail.example"))
    consume()
    fan = Registrant.objects.get()
    assert (fan.email, fan.registered_at.day, fan.preferences) == (
        "newer@mail.example",
        3,
        ["east"],
    )
    assert publishing.publish(campaign) == 0


def test_of_several_records_in_one_batch_the_newest_wins_and_the_earliest_date_is_kept():
    campaign = make_campaign()
    dated = [
        from_elsewhere(campaign, 1, date={"created": at(day)}, email=f"day{day}@mail.example")
        for day in (4, 8, 6)
    ]
    put_on_stream(*dated)
    consume()
    fan = Registrant.objects.get()
    assert (fan.email, fan.registered_at.day) == ("day8@mail.example", 4)


def test_refused_records_of_the_stream_are_dead_letters_and_the_rest_goes_on():
    """[T-1]"""
    campaign, closed = make_campaign(), close_campaign(make_campaign().pk, by=None)
    put_on_stream(
        from_elsewhere(campaign, 1),
        from_elsewhere(closed, 2),
        from_elsewhere(campaign, 3, campaignId="nope"),
        from_elsewhere(campaign, 4, marketId="atlantis"),
        from_elsewhere(campaign, 5, memberId="a\x00b"),
        from_elsewhere(campaign, 6, email=None, phone=None),
    )
    consume()
    assert list(Registrant.objects.values_list("global_user_id", flat=True)) == ["fan-1"]
    assert [letter.error for letter in DeadLetter.objects.order_by("index")] == [
        f"campaign {closed.campaign_id} does not exist or is not open",
        "campaign nope does not exist or is not open",
        "unknown_market",
        "memberId: the text contains a NUL or an incomplete character. Remove it.",
        "no_contact",
    ]


def test_c2_a_campaign_that_closes_while_its_records_wait_takes_none(monkeypatch):
    """Whether it is open is asked under its lock."""
    campaign = make_campaign()
    put_on_stream(from_elsewhere(campaign, 1))
    real = of_stream.lock_campaign

    def closed_meanwhile(campaign_pk):
        Campaign.objects.filter(pk=campaign_pk).update(status="closed")
        return real(campaign_pk)

    monkeypatch.setattr(of_stream, "lock_campaign", closed_meanwhile)
    consume()
    assert not Registrant.objects.exists()
    assert "is not open" in DeadLetter.objects.get().error


def test_o1_an_import_that_is_cancelled_before_its_commit_leaves_nothing(monkeypatch):
    campaign = make_campaign()
    found = receive(campaign, registration_bytes([registration_row(1)]))
    job = imports.open_job(found, by=None)
    real = staging.merge

    def cancelled_meanwhile(*arguments: object, **named: object) -> None:
        real(*arguments, **named)
        assert elsewhere(lambda: jobs.request_stop(job.pk, "cancel"))

    monkeypatch.setattr(staging, "merge", cancelled_meanwhile)
    imports.process(job.pk)
    job.refresh_from_db()
    assert (job.state, Registrant.objects.exists()) == (JobState.CANCELLED, False)


def test_a_market_may_be_called_null():
    campaign = make_campaign(markets=("NULL", "west"))
    import_registrations(campaign, [registration_row(1, market_preferences="west|NULL")])
    assert Registrant.objects.get().preferences == ["west", "NULL"]
    assert Market.objects.count() == 2


def test_a_country_written_out_is_no_code_of_another():
    campaign = make_campaign()
    import_registrations(campaign, [registration_row(1, country_code="Germany")])
    assert Registrant.objects.get().country == ""


def test_c4_a_language_is_stored_as_a_tag_and_what_is_none_is_dropped_and_counted():
    campaign = make_campaign()
    written = ["PT_br", "", "klingonese", "zh-hant"]
    rows = [registration_row(n, language=tag) for n, tag in enumerate(written)]
    found = import_registrations(campaign, rows)
    fans = Registrant.objects.order_by("global_user_id")
    assert [fan.language for fan in fans] == ["pt-BR", "", "", "zh-Hant"]
    assert (found.accepted, found.tagged_by) == (4, {"invalid_language": 1})
    assert fans[2].tags == "invalid_language"


def test_c4_a_newer_record_without_a_language_keeps_the_one_that_is_known():
    """Records of the stream cannot carry one. [L-1]"""
    campaign = make_campaign()
    for language, day, kept in (("fr", 6, "fr"), ("", 7, "fr"), ("de", 8, "de")):
        row = registration_row(1, language=language, date_created=at(day))
        import_registrations(campaign, [row])
        assert Registrant.objects.get().language == kept


def test_an_import_of_registrations_names_its_stages(steps):
    found = import_registrations(make_campaign(), [registration_row(n) for n in range(1, 8)])
    assert [
        (name, pace.first, pace.rows, progress, total) for name, pace, progress, total in steps
    ] == [
        ("Checking rows", 0, 7, 0, 14),
        ("Publishing registrations", 7, found.accepted, 7, 7 + found.accepted),
    ]


def test_x11_a_row_from_before_the_erasure_is_counted_as_erased_and_leaves_nothing():
    campaign = make_campaign()
    mark("fan-1")
    later = {"date_created": "2199-01-01T00:00:00Z"}
    undated = registration_row(1, registered_at="", date_created="soon")
    rows = [registration_row(1), registration_row(2), registration_row(3, global_user_id=NAMED)]
    found = import_registrations(campaign, [*rows, undated])
    assert (found.accepted, found.rejected_by) == (1, {"erased": 2, "malformed_row": 1})
    values = ("global_user_id", "raw", "email", "phone", "member_id")
    assert {*found.rejected_rows.values_list(*values)} == {("",) * 5}
    assert import_registrations(campaign, [registration_row(1, **later)]).accepted == 1


def test_x11_who_is_erased_while_the_file_is_judged_is_taken_out_before_it_counts(monkeypatch):
    campaign, judged = make_campaign(), imports._judged

    def and_then_erased(*arguments):
        yield from judged(*arguments)
        mark("fan-1")

    monkeypatch.setattr(imports, "_judged", and_then_erased)
    found = import_registrations(campaign, [registration_row(1), registration_row(2)])
    assert found.rejected_by == {"erased": 1}
    assert {*found.rejected_rows.values_list("global_user_id", "raw")} == {("", "")}
    assert Registrant.objects.get().global_user_id == "fan-2"
