"""A fan who is known everywhere is erased, and then searched for everywhere. [X-11]"""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django.utils.html import strip_tags

from campaigns.models import Campaign, FanScore, ListEntry, Registrant
from console.erasure.erase import erase
from console.models import Access, PersonalDataAccess
from console.proof import proof
from datalake import streams
from datalake.archive import archive
from datalake.avro import container
from datalake.choices import FileState, StreamName
from datalake.erasure import lake
from datalake.errors import EraseLater
from datalake.layout import parse_period
from datalake.merging import merge
from datalake.models import LakeFile
from datalake.parity import check
from datalake.query.models import LakeQuery
from datalake.queues import rows as queue_rows
from datalake.queues.messages import Outgoing
from datalake.storage import buckets
from datalake.streams import consumers
from demand.models import SelectedEvents
from operations import jobs
from operations.choices import JobState
from operations.instants import in_words
from operations.models import Alert, Job, StatusChange
from tests.console.erasure.erasure_cases import erase_fan, objects_with, tables_with
from tests.console.proof.presale_cases import (
    FANS,
    add_late_scores,
    close,
    more_seats,
    presale,
    really_sent,
    verify,
)
from tests.support.avro_files import written
from tests.support.campaigns import (
    SELECTION_TIME,
    import_registrations,
    make_campaign,
    process_scores,
    registration_row,
    score_file_bytes,
    score_row,
)
from tests.support.change_events import DEMAND, archived, change
from tests.support.waves import NOW, approve, person, request
from waves.actions import cancel
from waves.choices import SendState
from waves.models import Member, Resend, Selection, Send, Wave
from waves.preparation.prepare import prepare
from waves.schedule import check_due_waves, schedule
from waves.sending import new_messages

pytestmark = pytest.mark.django_db(transaction=True)

FAN, EMAIL, MEMBER = "fan-needle-4f9c1e", "needle@mail.example", "member-needle-77"
PHONE, AS_WRITTEN = "+12065550177", "(206) 555-0177"
NEEDLES = (FAN, EMAIL, MEMBER, PHONE, AS_WRITTEN)
MINE = {"global_user_id": FAN, "member_id": MEMBER}
SCORED = MINE | {"tmemail": EMAIL, "sms": AS_WRITTEN, "id": "9001"}
REGISTERED = MINE | {"email": EMAIL, "phone": PHONE}


def eraser() -> User:
    return person("pat", superuser=True)


def registers(campaign: Campaign) -> None:
    """With a row that counts, one that it replaces, and a line that cannot be read."""
    later = {"date_created": "2026-01-06T10:00:00Z"}
    rows = [
        registration_row(1, **REGISTERED),
        *(registration_row(number) for number in range(2, 6)),
        registration_row(1, **REGISTERED, **later),
        f"{FAN},{EMAIL}".encode(),
    ]
    import_registrations(campaign, rows)
    consumers.consume(once=True)


def is_scored(campaign: Campaign) -> None:
    """In one file accepted, in another one rejected."""
    rows = [score_row(1, **SCORED), *(score_row(number) for number in range(2, 6))]
    process_scores(campaign, score_file_bytes(rows))
    ListEntry.objects.create(campaign=campaign, kind="blacklist", pattern="@mail.example")
    process_scores(campaign, score_file_bytes(rows, newline=b"\r\n"), activate=False)
    ListEntry.objects.all().delete()
    consumers.consume(once=True)


def is_in_the_lake() -> None:
    """In merged, archived and loose files, and as a dead letter."""
    for record_type, period in LakeFile.objects.values_list("record_type", "period").distinct():
        archive(merge.merge_period(record_type, parse_period(period)).pk)
    record = {"type": "registration", "campaignId": "elsewhere", "globalUserId": FAN}
    record |= {"memberId": MEMBER, "email": EMAIL, "phone": PHONE, "tags": []}
    dated = record | {"date": {"created": "2026-01-07T10:00:00.000Z"}}
    bad = dated | {"tags": [f"says {EMAIL}", 7]}
    given = [streams.Record(FAN, each) for each in (dated, bad)]
    streams.publish(StreamName.INPUT, given, key="elsewhere")
    consumers.consume(once=True)
    body = {"globalUserId": FAN, "campaignId": "elsewhere", "email": EMAIL}
    queue_rows.put("verdict", [Outgoing(f"12345:{FAN}", body, FAN)])


def is_in_a_wave(campaign: Campaign) -> Wave:
    """One message sent and one that waits, and one sent again."""
    wave = prepare(request(campaign), by=eraser(), now=NOW, reason="a test").wave
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    schedule(wave, by=person("bob"), now=NOW)
    check_due_waves(now=wave.notify_date)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave, channel="sms").update(state=SendState.SENT)
    member = Member.objects.get(wave=wave, global_user_id=FAN)
    Resend.objects.create(
        request="0" * 32,
        by=eraser(),
        why=f"{FAN} wrote from {EMAIL}",
        wave=wave,
        member=member,
        channel="email",
        contact=EMAIL,
        is_corrected=False,
        key="1" * 32,
        state=SendState.SENT,
    )
    market, code = member.market, member.code
    Selection.objects.create(
        campaign=campaign, global_user_id=FAN, market=market, code=code, event_ids=[]
    )
    return wave


def is_in_files(campaign: Campaign, wave: Wave) -> None:
    """Files of forms that nothing above wrote."""
    ours = campaign.campaign_id
    lines = f"globalUserId,memberId,marketId,email,phone,code\n{FAN},{MEMBER},west,{EMAIL},,A1\n"
    avro = {"type": "record", "name": "r", "fields": [{"name": "fan", "type": "string"}]}
    imported = {"name": "r.avro", "key": f"registrations/{ours}/avro", "sha256": "a" * 64}
    campaign.imports.create(**imported, finished=True, rejected_key="its rejected rows")
    for key, content in {
        f"received/{ours}.packed.txt.gz": gzip.compress(score_file_bytes([SCORED])),
        f"smsWaves/csv/{wave.name}.csv": lines.encode(),
        f"registrations/{ours}/avro": written(avro, [{"fan": FAN}]),
        "fanlist/received/list/1/ranks.csv": f"rank,global_user_id\n1,{FAN}\n".encode(),
    }.items():
        buckets.scoring().put(key, io.BytesIO(content))


def is_in_texts() -> None:
    Alert.objects.create(text=f"mail to {EMAIL} came back")
    Job.objects.create(
        kind="make_proof", subject_kind="x", subject_id="1", state="failed", error=f"of {FAN}"
    )
    StatusChange.objects.create(subject_kind="x", to_state="y", reason=f"{EMAIL} asked")
    asked = f"SELECT * FROM scoring WHERE email = '{EMAIL}'"
    LakeQuery.objects.create(sql=asked, by=eraser(), state="done", answer=b"packed")
    log = {"user": eraser(), "what": Access.FOUND, "subject": "all", "reason": f"{FAN} called"}
    PersonalDataAccess.objects.create(**log)
    LogEntry.objects.create(
        user=eraser(),
        content_type=ContentType.objects.get_for_model(Registrant),
        object_repr=EMAIL,
        action_flag=2,
    )


def is_known_everywhere() -> Campaign:
    campaign = make_campaign()
    campaign.markets.update(selection_time=SELECTION_TIME)
    registers(campaign)
    is_scored(campaign)
    is_in_the_lake()
    wave = is_in_a_wave(campaign)
    is_in_files(campaign, wave)
    is_in_texts()
    SelectedEvents.objects.create(global_user_id=FAN, by_campaign={}, event_ids=["e"])
    contact = {"phoneNumber": PHONE, "email": EMAIL}
    archived([change(DEMAND, fanId=FAN, **contact), change(DEMAND, fanId="fan-2")])
    return campaign


KNOWN_IN = {
    *("campaigns_registrant.email", "campaigns_fanscore.global_user_id", "waves_member.phone"),
    *("campaigns_rejectedrow.raw", "campaigns_rejectedregistration.raw", "waves_resend.contact"),
    *("waves_assignment.global_user_id", "waves_code.global_user_id", "datalake_deadletter.record"),
    *("datalake_streambatch.payload", "datalake_queuemessage.body", "operations_alert.text"),
    *("demand_currentrecord.record", "operations_statuschange.reason", "operations_job.error"),
    *(
        "console_personaldataaccess.reason",
        "django_admin_log.object_repr",
        "datalake_lakequery.sql",
    ),
    *("demand_selectedevents.global_user_id", "waves_selection.global_user_id"),
}


def test_x11_after_an_erasure_no_column_and_no_object_says_anything_of_the_fan():
    campaign = is_known_everywhere()
    assert tables_with(NEEDLES) >= KNOWN_IN
    states = {*LakeFile.objects.values_list("state", flat=True)}
    assert states == {FileState.LOOSE, FileState.MERGED, FileState.ARCHIVED}
    before = objects_with(NEEDLES)
    assert len(before) > 12
    rows = {table: table.objects.count() for table in (Registrant, Member, Send)}
    others = {*Registrant.objects.exclude(global_user_id=FAN).values_list("email", flat=True)}

    receipt = erase_fan(FAN, by=eraser())

    assert tables_with(NEEDLES) == set()
    assert objects_with(NEEDLES) == set()
    assert before <= {place.name for place in receipt.places.all()}
    assert {each["place"] for each in receipt.not_reached} == {
        *("suppression list", "entries of blacklists and whitelists", "backups"),
        "references in rosters and proofs",
        "files that people downloaded, message providers, the code service",
    }
    assert {table: table.objects.count() for table in rows} == rows
    assert others <= {*Registrant.objects.values_list("email", flat=True)}
    assert check.check(read_files=True).ok
    wave = Wave.objects.get()
    assert {*Send.objects.filter(member__email="").values_list("state", "reason")} == {
        (SendState.SENT, ""),
        (SendState.SKIPPED, "erased"),
    }
    assert wave.approved_digest == wave.content_digest
    assert campaign.campaign_id
    assert datetime.now(UTC) >= receipt.until


@pytest.mark.django_db
def test_x11_the_proof_of_a_draw_is_the_same_bytes_after_members_and_others_were_erased():
    campaign = presale()
    really_sent(campaign, "20260121")
    fans = Member.objects.order_by("place").values_list("global_user_id", flat=True)
    members = [*fans[:2]]
    close(campaign)
    before = proof.proof_bundle(campaign.campaign_id)
    for fan in (*members, "fan-000001", "fan-000089"):
        erase_fan(fan, by=eraser())
    after = proof.proof_bundle(campaign.campaign_id)
    assert after["sha256"] == before["sha256"]
    assert verify(after)["problems"] == []
    assert objects_with(members) == set()


@pytest.mark.django_db
def test_x11_who_had_a_seat_and_registers_again_has_one_in_the_proof_of_the_draw():
    campaign = presale()
    first = really_sent(campaign, "20260121")
    fan = first.members.order_by("place").first().global_user_id
    erase_fan(fan, by=eraser())
    again = {"email": "again@mail.example", "preferences": [], "changed_at": timezone.now()}
    registered = NOW - timedelta(days=2)
    Registrant.objects.create(
        campaign=campaign, global_user_id=fan, registered_at=registered, **again
    )
    add_late_scores(campaign, [f"fan-{n:06d}" for n in range(FANS)], [0.9] * FANS)
    more_seats(campaign, 3)
    second = really_sent(campaign, "20260122")
    assert second.excluded["already_in_wave"] == first.members.count()
    assert not second.members.filter(global_user_id=fan).exists()
    close(campaign)
    assert verify(proof.proof_bundle(campaign.campaign_id))["problems"] == []


def test_x14_a_wave_after_an_erasure_counts_the_fan_as_erased_in_both_counts():
    campaign = presale()
    erase_fan("fan-000012", by=eraser())
    wave = really_sent(campaign, "20260121")
    assert (wave.excluded["erased"], wave.counted_digest) == (1, wave.content_digest)
    close(campaign)
    assert verify(proof.proof_bundle(campaign.campaign_id))["problems"] == []


def test_x11_who_registers_again_is_new_and_what_was_there_stays_erased():
    campaign = make_campaign()
    registers(campaign)
    is_scored(campaign)
    erase_fan(FAN, by=eraser())
    again = registration_row(1, **REGISTERED, date_created="2199-01-01T00:00:00Z")
    import_registrations(campaign, [again])
    assert Registrant.objects.filter(campaign=campaign).count() == 6
    assert Registrant.objects.filter(global_user_id=FAN, email=EMAIL).count() == 1
    second = erase_fan(FAN, by=eraser(), reason="again")
    assert tables_with(NEEDLES) == set()
    assert {place.name for place in second.places.all()} >= {"registrations"}
    assert Registrant.objects.filter(global_user_id__startswith="erased:").count() == 2


def test_x11_what_the_fan_does_while_the_erasure_waits_stays_and_what_was_there_goes():
    campaign = make_campaign()
    campaign.markets.update(selection_time=SELECTION_TIME)
    registers(campaign)
    is_scored(campaign)
    wave = prepare(request(campaign), by=eraser(), now=NOW, reason="a test").wave
    with pytest.raises(EraseLater, match="was not sent yet"):
        erase_fan(FAN, by=eraser())
    contact = {"member_id": "member-newer-8", "email": "newer@mail.example"}
    at = timezone.now().isoformat(timespec="milliseconds")
    row = registration_row(1, global_user_id=FAN, phone="", **contact)
    import_registrations(campaign, [row | {"registered_at": at, "date_created": at}])
    scored = score_row(1, global_user_id=FAN, member_id="member-newer-8", sms="")
    late = score_file_bytes([scored | {"tmemail": "newer@mail.example"}, score_row(2)])
    assert process_scores(campaign, late, activate=False).accepted == 2
    consumers.consume(once=True)
    cancel(wave, by=eraser(), reason="a test")

    receipt = erase_fan(FAN, by=eraser())

    old = (EMAIL, MEMBER, PHONE, AS_WRITTEN)
    assert tables_with(old) == set()
    assert objects_with(old) == set()
    fan = Registrant.objects.get(global_user_id=FAN)
    newer = ("newer@mail.example", datetime.fromisoformat(at))
    assert (fan.email, fan.registered_at) == newer
    assert Registrant.objects.filter(global_user_id__startswith="erased:").count() == 1
    assert FanScore.objects.get(global_user_id=FAN).email == "newer@mail.example"
    assert {place.name: place.count for place in receipt.places.all()}["registrations"] == 1
    assert types_in_the_lake() == ["registration", "scoring"]
    assert check.check(read_files=True).ok


def types_in_the_lake() -> list[str]:
    """Of the fan's records."""
    return sorted(
        record["type"]
        for file in LakeFile.objects.all()
        for record in container.read_records(buckets.campaign_data().open(file.key))
        if record["globalUserId"] == FAN
    )


def test_x11_a_score_that_is_published_between_the_rows_and_the_lake_of_an_erasure_stays_the_fans(
    monkeypatch,
):
    campaign = make_campaign()
    registers(campaign)
    is_scored(campaign)
    erase_files = lake.erase_files

    def and_scored_meanwhile(*given):
        at = timezone.now().isoformat(timespec="milliseconds")
        again = {"global_user_id": FAN, "member_id": "member-newer-8", "phone": ""}
        row = registration_row(1, **again, email="newer@mail.example")
        import_registrations(campaign, [row | {"registered_at": at, "date_created": at}])
        scores = [score_row(1, global_user_id=FAN, member_id="member-newer-8"), score_row(2)]
        assert process_scores(campaign, score_file_bytes(scores), activate=False).accepted == 2
        consumers.consume(once=True)
        return erase_files(*given)

    monkeypatch.setattr(lake, "erase_files", and_scored_meanwhile)
    erase_fan(FAN, by=eraser())
    assert objects_with((EMAIL, MEMBER, PHONE, AS_WRITTEN)) == set()
    assert FanScore.objects.get(global_user_id=FAN).member_id == "member-newer-8"
    assert types_in_the_lake() == ["registration", "scoring"]
    assert check.check(read_files=True).ok


def test_x11_while_an_upload_of_change_events_is_archived_the_erasure_waits(client):
    upload = {"subject_kind": "event_upload", "subject_id": "7", "state": JobState.RUNNING}
    Job.objects.create(kind="archive_demand", **upload)
    with pytest.raises(EraseLater, match="Event upload 7 is being archived"):
        erase_fan(FAN, by=eraser())
    job = Job.objects.get(kind="erase_fan")
    for page in (f"/admin/job/{job.pk}/", f"/admin/console/erasure/{job.subject_id}/change/"):
        shown = strip_tags(client.get(page).content.decode())
        assert "Event upload 7 is being archived" in shown
        assert f"Waiting since {in_words(job.waits_since)}" in shown
    assert jobs.requeue(job.pk)
    with pytest.raises(EraseLater):
        erase(job.pk)
    assert Alert.objects.get().text.startswith(":hourglass: Erase fan for erasure ")
    Job.objects.filter(subject_id="7").update(state=JobState.DONE)
    assert erase_fan(FAN, by=eraser()).finished_at is not None
