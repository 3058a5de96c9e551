"""An SMS that failed is tried again, or replaced by an e-mail, whoever is first. [N-1, N-6]"""

from __future__ import annotations

import pytest

from tests.concurrency.test_suppression import at_once
from tests.support.sending import states, triggered_wave
from waves.models import Send, Wave
from waves.sending import new_messages, send_rows

pytestmark = pytest.mark.django_db(transaction=True)


def failed() -> tuple[Wave, list[int]]:
    wave = triggered_wave(2, emails=2, channels="sms_first")
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state="failed", reason="no_connection", attempts=3)
    return wave, list(Send.objects.filter(wave=wave).values_list("pk", flat=True))


def test_n1_an_sms_is_not_tried_again_once_its_e_mail_is_being_queued():
    wave, ids = failed()
    both = at_once(
        lambda: new_messages.queue_emails_instead(wave), lambda: send_rows.back_to_pending(ids)
    )
    assert both == (2, 0)
    assert (states(wave), states(wave, "email")) == ({"failed": 2}, {"pending": 2})


def test_n1_no_e_mail_is_queued_for_an_sms_that_is_being_tried_again():
    wave, ids = failed()
    both = at_once(
        lambda: send_rows.back_to_pending(ids), lambda: new_messages.queue_emails_instead(wave)
    )
    assert both == (2, 0)
    assert (states(wave), states(wave, "email")) == ({"pending": 2}, {})
