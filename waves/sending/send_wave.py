"""A triggered wave is sent: rows made, SMS sent, e-mails queued, the result computed. [N-1 …
N-7]
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from campaigns.opening import require_open
from waves.choices import Channel
from waves.digest import require_approved_content
from waves.errors import UnknownWave, WrongState
from waves.messages.rendering import Composer, composer_for
from waves.models import Wave
from waves.providers import registry
from waves.providers.contract import SmsProvider
from waves.sending import accounts, results, send_rows
from waves.sending.accounts import Limits, limits_of
from waves.sending.run import SenderSetup, Timing, not_going
from waves.sending.send_rows import Messages
from waves.sending.sender import NOTHING_TO_SEND, Ended, WaveSender

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
    Raises UnknownWave, WrongState, WrongStatus, ContentChanged.
    """
    wave = checked(wave_id)
    provider, timing = provider or registry.sms_client(), timing or Timing()
    accounts.account(provider.name)
    send_rows.make_sends(wave)
    if retry_failed:
        results.retry_failed(wave_id, channel)
    ended, messages = NOTHING_TO_SEND, Messages(wave_id, Channel.SMS)
    if send_rows.open_rows(messages).all:
        setup = SenderSetup(wave, messages, provider, limits or limits_of(Channel.SMS), timing)
        ended = send_all(setup, composer_for(wave))
    results.complete(wave_id)
    return _report(wave_id, ended)


def make_messages(wave_id: int) -> None:
    """The rows of a triggered wave's messages, and so its e-mails queued. Raises what `send_wave`
    raises.
    """
    send_rows.make_sends(checked(wave_id))


def send_all(setup: SenderSetup, composer: Composer) -> Ended:
    """Send the messages of the setup until none is left, or something ends it."""
    return _run(WaveSender(setup, composer).run)


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


def _run(work: Callable[[], Coroutine[Any, Any, Ended]]) -> Ended:
    """Run on uvloop; a fault in one of the sender's tasks comes out as itself."""
    # objects made so far are not checked for garbage again: saves a fifth of the time per message
    gc.freeze()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group
    finally:
        gc.unfreeze()


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
