"""The rows of messages: claimed by one sender, recorded by the claim alone. [N-4, O-6]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from operations.database.statements import rows, run
from tests.support.sending import states, triggered_wave
from waves.choices import Channel, SuppressedBy
from waves.models import Member, Send
from waves.sending import accounts, new_messages, send_rows
from waves.sending.send_rows import Messages
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, lift_own, suppress

pytestmark = pytest.mark.django_db(transaction=True)

CAUSE = SuppressedBy.STOP


def test_o6_a_sender_that_was_taken_over_records_nothing():
    wave = triggered_wave(3)
    new_messages.make_sends(wave)
    slow, quick = accounts.uuid.uuid4(), accounts.uuid.uuid4()
    sms = Messages(wave.pk, Channel.SMS)
    rows = send_rows.claim(sms, slow, after=0, limit=3, lease=timedelta(seconds=-1)).rows
    send_rows.take_over(sms, honours_keys=True)
    send_rows.claim(sms, quick, after=0, limit=3, lease=timedelta(seconds=30))
    assert send_rows.record_sent(slow, [(row, "late") for row in rows]) == 0
    assert states(wave) == {"sending": 3}


@pytest.mark.parametrize(("channels", "again"), [("sms_first", 1), ("both", 2)])
def test_n1_n6_an_sms_that_an_e_mail_has_replaced_is_not_tried_again(channels, again):
    wave = triggered_wave(2, emails=1, channels=channels)
    new_messages.make_sends(wave)
    sms = Send.objects.filter(wave=wave, channel="sms")
    sms.update(state="failed", reason="no_connection", attempts=3)
    new_messages.queue_emails_instead(wave)
    assert states(wave, "email")["pending"] == 1
    assert send_rows.back_to_pending(list(sms.values_list("pk", flat=True))) == again


def test_o6_two_claims_never_share_a_row():
    wave = triggered_wave(10)
    new_messages.make_sends(wave)
    lease = timedelta(seconds=30)
    sms = Messages(wave.pk, Channel.SMS)
    first = send_rows.claim(sms, accounts.uuid.uuid4(), after=0, limit=6, lease=lease).rows
    second = send_rows.claim(sms, accounts.uuid.uuid4(), after=0, limit=6, lease=lease).rows
    assert len({row.id for row in first + second}) == len(first) + len(second) == 10


def suppressed(wave, *fans: int, channel: Channel = Channel.SMS) -> None:
    """The contacts of these members of the wave, on one channel, for its campaign."""
    members = Member.objects.filter(wave=wave, place__in=fans)
    contacts = [m.phone if channel == Channel.SMS else m.email for m in members]
    suppress([Contact(channel, each) for each in contacts], Ground(CAUSE, wave.campaign))


def claimed(wave, channel: Channel = Channel.SMS) -> list[str]:
    found = send_rows.claim(
        Messages(wave.pk, channel),
        accounts.uuid.uuid4(),
        after=0,
        limit=100,
        lease=timedelta(seconds=30),
    )
    return [row.contact for row in found.rows]


def test_n8_a_claim_skips_who_is_on_the_list_and_says_why():
    """On one channel only; and what is listed for another campaign goes out."""
    wave, other = triggered_wave(4, emails=4), triggered_wave(4, emails=4)
    for each in (wave, other):
        new_messages.make_sends(each)
    suppressed(wave, 1, 3)
    assert claimed(wave) == ["+12020000002", "+12020000004"]
    assert states(wave) == {"sending": 2, "skipped": 2}
    skipped = Send.objects.filter(wave=wave, state="skipped")
    assert set(skipped.values_list("reason", "attempts", "claim")) == {("suppressed", 0, None)}
    assert len(claimed(wave, Channel.EMAIL)) == 4
    assert len(claimed(other)) == 4


def test_n8_a_claim_says_how_far_it_came_past_those_it_skipped():
    """So that the next one goes on behind them, and a batch of skipped ones is not taken for the
    end.
    """
    wave = triggered_wave(6)
    new_messages.make_sends(wave)
    suppressed(wave, 1, 2, 4)
    ids = list(Send.objects.filter(wave=wave, channel="sms").order_by("id").values_list("id"))
    options = {"limit": 2, "lease": timedelta(seconds=30)}
    sms, after, found = Messages(wave.pk, Channel.SMS), 0, []
    for _ in range(4):
        claimed = send_rows.claim(sms, accounts.uuid.uuid4(), after=after, **options)
        after = claimed.last
        found.append((len(claimed.rows), claimed.looked_at, (after,) in ids))
    assert found == [(0, 2, True), (1, 2, True), (2, 2, True), (0, 0, False)]


def test_n8_who_is_taken_off_the_list_before_the_claim_gets_the_message():
    wave = triggered_wave(1)
    new_messages.make_sends(wave)
    suppressed(wave, 1)
    lift_own([Contact(Channel.SMS, "+12020000001")], [CAUSE], "Replied START")
    assert claimed(wave) == ["+12020000001"]


def test_n4_n8_what_may_have_arrived_already_stays_unknown():
    """A worker died with it; then the fan objected: it is not sent again, and nobody knows."""
    wave = triggered_wave(2)
    new_messages.make_sends(wave)
    sms = Messages(wave.pk, Channel.SMS)
    send_rows.claim(sms, accounts.uuid.uuid4(), after=0, limit=1, lease=timedelta(seconds=-1))
    send_rows.take_over(sms, honours_keys=True)
    suppressed(wave, 1, 2)
    assert claimed(wave) == []
    assert states(wave) == {"unknown": 1, "skipped": 1}


def test_n1_n8_with_sms_first_the_email_goes_where_the_phone_is_on_the_list():
    wave = triggered_wave(3, emails=2, channels="sms_first")
    new_messages.make_sends(wave)
    suppressed(wave, 1, 3)
    claimed(wave)
    assert new_messages.queue_emails_instead(wave) == 1
    assert claimed(wave, Channel.EMAIL) == ["fan1@example.com"]


def test_n8_with_a_large_list_a_claim_asks_the_index_for_each_row():
    """Never the whole list: its plan with a list of 20,000 reads them one by one."""
    wave = triggered_wave(50)
    new_messages.make_sends(wave)
    suppressed(wave, 1)
    run(
        "INSERT INTO waves_suppression (channel, contact, cause, reason, lift_reason)"
        " SELECT 'sms', gen_random_uuid(), 'stop', '', '' FROM generate_series(1, 20000)"
    )
    run("ANALYZE waves_suppression")
    values = Messages(wave.pk, Channel.SMS).values | {"after": 0, "limit": 50}
    values |= {"claim": accounts.uuid.uuid4(), "lease": timedelta(seconds=30), "keys_last": None}
    plan = rows("EXPLAIN (FORMAT text) " + send_rows.SENDS.sql(send_rows.CLAIM), **values)
    text = "\n".join(line for (line,) in plan)
    assert "Seq Scan on waves_suppression listed" not in text
    assert "hashed SubPlan" not in text
    assert "Index Scan using suppression_" in text


@pytest.mark.parametrize("name", ["RECORD_SENT", "RECORD_REST", "RELEASE"])
def test_n3_outcomes_go_to_their_rows_by_key_not_over_all_that_were_ever_in_that_state(name):
    """Each row that passed through a state leaves an entry in the index of states, until a VACUUM:
    with statistics of when nothing was sent, that index seemed the shortest way.
    """
    wave = triggered_wave(300)
    new_messages.make_sends(wave)
    run("ANALYZE waves_send")
    sms, sender = Messages(wave.pk, Channel.SMS), accounts.uuid.uuid4()
    lease = timedelta(seconds=30)
    mine = send_rows.claim(sms, sender, after=0, limit=20, lease=lease).rows
    columns = ("attempts", "tries", "waits", "maybe_accepted", "states", "reasons", "provider_ids")
    values = dict.fromkeys(columns, [1] * 20) | {"ids": [row.id for row in mine], "claim": sender}
    values |= dict.fromkeys(columns[3:], ["t"] * 20)
    statement = send_rows.SENDS.sql(getattr(send_rows, name))
    run("SET enable_seqscan = off")
    try:
        plan = rows("EXPLAIN (FORMAT text) " + statement, **values)
    finally:
        run("RESET enable_seqscan")
    changed = "\n".join(line for (line,) in plan if " waves_send s " in line)
    assert "Index Scan using waves_send_pkey on waves_send s " in changed
    assert "send_listed" not in changed


def test_n4_what_may_have_been_accepted_before_the_key_was_forgotten_is_unknown():
    wave = triggered_wave(4)
    new_messages.make_sends(wave)
    ages = [(True, 3), (True, 1), (False, 3), (True, None)]  # hours since the first attempt
    sends = list(Send.objects.filter(wave=wave, channel="sms").order_by("pk"))
    for row, (maybe, hours) in zip(sends, ages, strict=True):
        began = None if hours is None else timezone.now() - timedelta(hours=hours)
        Send.objects.filter(pk=row.pk).update(maybe_accepted=maybe, key_used_at=began)
    claimed = send_rows.claim(
        Messages(wave.pk, Channel.SMS),
        accounts.uuid.uuid4(),
        after=0,
        limit=10,
        lease=timedelta(seconds=30),
        keys_last=timedelta(hours=2),
    )
    assert [row.id for row in claimed.rows] == [row.pk for row in sends[1:]]
    found = list(Send.objects.filter(wave=wave, channel="sms").order_by("pk"))
    assert (found[0].state, found[0].reason) == ("unknown", "key_expired")
    hours = [round((timezone.now() - row.key_used_at).total_seconds() / 3600) for row in found]
    assert hours == [3, 1, 0, 0]  # counted from the first attempt that may have been accepted
