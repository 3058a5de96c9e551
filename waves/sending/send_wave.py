"""A triggered wave is sent: rows made, SMS sent, e-mails queued, the result computed. [N-1 …
N-7]
"""

from __future__ import annotations

import logging
from typing import Any

from campaigns.opening import require_open
from waves.choices import Channel
from waves.digest import require_approved_content, require_approved_providers
from waves.errors import UnknownWave, WrongState
from waves.messages.rendering import composer_for
from waves.models import Wave
from waves.providers import registry
from waves.providers.contract import SmsProvider
from waves.sending import accounts, failover, new_messages, results, send_rows
from waves.sending.accounts import Limits, limits_of
from waves.sending.run import Timing, not_going
from waves.sending.send_rows import Messages
from waves.sending.sender import NOTHING_TO_SEND, Ended
from waves.soft_start import progress

logger = logging.getLogger(__name__)


def send_wave(
    wave_id: int,
    *,
    retry_failed: bool = False,
    channel: Channel | None = None,
    provider: SmsProvider | None = None,
    limits: Limits | None = None,
    timing: Timing | None = None,
) -> dict[str, Any]:
    """Send what is left of a TRIGGERED wave and complete it; several processes may do so at once.

    Returns N-7's object and `wave, state, per_second, ended` (`ended` is empty, or says why sending
    stopped early). With `retry_failed` the failed messages, of one `channel` or of both, are sent
    again, of a COMPLETED wave too.
    Raises UnknownWave, WrongState, WrongStatus, ContentChanged, also where the settings name none
    of the providers that were approved [X-5].
    """
    wave = checked(wave_id)
    providers = [provider] if provider else registry.sms_clients()
    for each in providers:
        accounts.account(each.name)
    new_messages.make_sends(wave)
    if retry_failed:
        results.retry_failed(wave_id, channel)
    messages = Messages(wave_id, Channel.SMS, last=progress.last_send(wave_id))
    ended = NOTHING_TO_SEND
    if send_rows.open_rows(messages).all:
        if provider is None:
            approved = require_approved_providers(wave, Channel.SMS)
            providers = [each for each in providers if each.name in approved]
        failover.take_over(messages, providers)
        ended = failover.send(
            wave,
            messages,
            providers,
            limits=limits or limits_of(Channel.SMS),
            timing=timing or Timing(),
            composer=composer_for(wave),
        )
    progress.end_first(wave_id)
    results.complete(wave_id)
    return _report(wave_id, ended)


def make_messages(wave_id: int) -> None:
    """The rows of a triggered wave's messages, and so its e-mails queued. Raises what `send_wave`
    raises.
    """
    new_messages.make_sends(checked(wave_id))


def checked(wave_id: int) -> Wave:
    """The wave, if its state allows sending and its content is what was approved. Raises
    UnknownWave, WrongState, WrongStatus, ContentChanged. [X-5, W-2]
    """
    wave = Wave.objects.select_related("campaign").filter(pk=wave_id).first()
    if wave is None:
        raise UnknownWave(f"There is no wave with id {wave_id}.")
    if why := not_going(wave):
        raise WrongState(f"Wave {wave.name} {why}. Only a triggered wave can be sent.")
    require_open(wave.campaign)  # a closed one is only read: nothing is sent again either [C-2]
    require_approved_content(wave)
    return wave


def _report(wave_id: int, ended: Ended) -> dict[str, Any]:
    wave = Wave.objects.get(pk=wave_id)
    report = results.result(wave_id)
    counts = {name: value for name, value in report.items() if isinstance(value, int)}
    logger.info(
        "wave sent",
        extra={"wave": wave.name, "ended": ended.why or "all"}
        | {"per_second": ended.per_second, **counts},
    )
    return report | {
        "wave": wave.name,
        "state": wave.state,
        "per_second": ended.per_second,
        "ended": ended.why,
    }
