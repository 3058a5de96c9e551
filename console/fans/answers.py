"""What can be said of a fan, in sentences that are true: what is not known yet is said to be so,
and nothing is denied that another row shows. [X-1]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.fans.facts import FanFacts
from console.fans.waiting import PREPARED, OnList
from operations.plurals import plural
from waves.choices import WaveKind, WaveState

SENT = (WaveState.TRIGGERED, WaveState.PAUSED, WaveState.COMPLETED)


def about_registration(fan: FanFacts) -> Iterator[str]:
    rejected = len(fan.rejected_registrations)
    if fan.erased_at:
        yield (
            f"This fan was erased on {fan.erased_at:%-d %b %Y}. Only rows that the receipt of the"
            " erasure lists as not reached, and what came later, can be shown."
        )
    if fan.registrant:
        yield "Registered for this campaign."
        if rejected:
            yield f"Rejected rows of registrations that name this fan: {rejected}."
    elif rejected:
        yield (
            "Not registered. Registrations that name this fan were rejected, for the reasons below"
            f" (rows: {rejected})."
        )
    else:
        yield f"No registration of the fan id {fan.fan} is in this campaign, and none was rejected."
    for name in fan.facts.unread_imports:
        yield f"Registration file {name} has not been imported completely. This can change."


def about_scores(fan: FanFacts) -> Iterator[str]:
    if deleted := fan.facts.scores_deleted_at:
        yield (
            f"The rows of this campaign's score files were deleted on {deleted:%-d %b %Y}, after it"
            " was archived. Score, place and result are in the proof, under the fan's reference."
        )
        return
    active, number = fan.facts.active, fan.campaign.active_score_file_id
    scored = [row.score_file for row in fan.scores]
    rejected = [row for row in fan.rejected_rows if row.score_file_id == number]
    if not active:
        yield "This campaign has no active score file."
    elif any(file.pk == number for file in scored):
        yield f"Accepted in the active score file {active}."
    elif rejected:
        yield f"Rejected in the active score file {active}, for the reason below."
    else:
        yield f"Not in the active score file {active}."
    others = [file.name for file in scored if file.pk != number]
    if others:
        yield f"Accepted in other score files, which do not count now: {', '.join(others)}."
    for name in fan.facts.unread_files:
        yield f"Score file {name} is not processed yet, so its rows are not shown."


def about_waves(fan: FanFacts) -> Iterator[str]:
    facts = fan.facts
    told = [row.wave for row in fan.members if row.wave.kind == WaveKind.NOT_SELECTED]
    waves = [row.wave for row in fan.members if row.wave.kind != WaveKind.NOT_SELECTED]
    live = [wave for wave in waves if wave.state in PREPARED]
    cancelled = [wave for wave in waves if wave.state == WaveState.CANCELLED]
    for wave in live:
        yield f"Selected in wave {wave.name}, {_how_far(wave.state)}."
    for wave in cancelled:
        yield f"Was selected in wave {wave.name}, which was cancelled."
    if cancelled and not live and fan.holds_code:
        yield "The fan keeps the code of the cancelled wave."
    if not live and facts.prepared:
        yield (
            f"Not selected in {plural(len(facts.prepared), 'wave')} that"
            f" {'is' if len(facts.prepared) == 1 else 'are'} prepared or sent."
        )
    if not live:
        yield from _about_deleted(fan)
    for on_list in fan.on_lists:
        yield about_list(on_list, since=[wave.name for wave in live])
    for wave in told:
        end = "which was cancelled" if wave.state == WaveState.CANCELLED else _how_far(wave.state)
        yield f"In wave {wave.name} for fans who were not selected, {end}."
    if not live:
        for name in facts.to_be_prepared:
            yield f"Wave {name} is not prepared yet. Whether it selects this fan is not known."


def _about_deleted(fan: FanFacts) -> Iterator[str]:
    """Of waves without members and messages: nothing is denied. [O-10]"""
    if not (deleted := fan.facts.deleted_waves):
        if not fan.facts.prepared:
            yield "No wave of this campaign is prepared."
        return
    yield (
        f"The members and messages of {plural(len(deleted), 'wave')} were deleted some time after"
        " the campaign was archived. Whom they selected is in the proof."
    )
    yield (
        "The fan has a code of this campaign."
        if fan.holds_code
        else "No code of this campaign was assigned to the fan."
    )


def about_list(on_list: OnList, *, since: Sequence[str]) -> str:
    """The fan's place on one waiting list. `since`: the live waves that selected them: whoever was
    on a list was selected later, because a member of a live wave is no candidate. [W-5]
    """
    wave, outdated = on_list.kept.wave, on_list.kept.outdated
    if on_list.place is None:
        return f"The waiting list of wave {wave.name} cannot be read now."
    place = f"lace {on_list.place:,} of {wave.waitlist:,} on the waiting list of wave {wave.name}"
    if since:
        return f"Before that, the fan had p{place}."
    return f"P{place}." + (f" This list is out of date: {outdated}." if outdated else "")


def _how_far(state: str) -> str:
    return "whose sending has started" if state in SENT else "which is not sent yet"
