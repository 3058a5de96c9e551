"""One class per refusal; the message says what, where and what to do."""

from __future__ import annotations

from operations.errors import Refusal


class WaveError(Refusal):
    """A step of a wave was refused or could not be done; nothing was written."""


class UnknownWave(WaveError):
    """No wave has this name."""


class BadContact(WaveError):
    """What was given is no address or phone number that messages could be sent to. [N-8]"""


class SuppressionRefused(WaveError):
    """A contact cannot be suppressed, or allowed again, in this way. [N-8]"""


class UnknownCode(WaveError):
    """There is no such code."""


class WrongState(WaveError):
    """The state of the wave, or of its campaign, does not allow this step. [W-2, C-2]"""


class AlreadyRunning(WaveError):
    """Another process prepares this wave, or a wave of this campaign, now. [K-7]"""


class BadMarketFile(WaveError):
    """The wave's market file cannot be read. [W-5]"""


class UnknownMarket(WaveError):
    """A market is named that the campaign does not have. [W-5]"""


class BadMinimumScore(WaveError):
    """A wave's minimum score is no score. [W-5]"""


class MarketRefused(WaveError):
    """What is refused is about one market of the wave."""

    def __init__(self, message: str, market_id: str) -> None:
        super().__init__(message)
        self.market_id = market_id


class CapacityBelowGiven(MarketRefused):
    """A market has given more seats than it has. [W-5]"""


class SelectionNotOpen(MarketRefused):
    """A market's selection time has not passed yet. [W-5]"""


class NoActiveScores(WaveError):
    """The campaign has no active score file to select from. [S-13, W-5]"""


class TooLate(WaveError):
    """Less than a day is left before the notify date, and the wave was not expedited. [W-4]"""


class NaiveDate(WaveError):
    """A date came without an offset."""


class BadSoftStart(WaveError):
    """A number of fans who are notified first that cannot be. [N-9]"""


class BadNotifyDate(WaveError):
    """What was entered is no notify date, has passed, or comes without a reason. [W-2]"""


class BadDateKey(WaveError):
    """A date key is not YYYYMMDD or YYYYMMDD-n. [W-1]"""


class AttemptsExhausted(WaveError):
    """Preparation was attempted twice; a person has to reset the wave first. [W-9]"""


class MembersDiffer(WaveError):
    """The preparation selected other members than the preview. [W-7]"""


class PreviewsBusy(WaveError):
    """As many previews as may be made at once are being made. [X-4]"""

    is_transient = True


class NoMembers(WaveError):
    """Nobody would be selected: a wave without members is not prepared. [W-5]"""


class NothingToTopUp(WaveError):
    """A top-up would have no rules, no room or nobody to fill it with. [X-7]"""


class FansWereTold(WaveError):
    """Fans were told that they were not selected, or are about to be. [X-8]"""


class NoWaitingList(WaveError):
    """A wave has no waiting list, or it cannot be read. [W-5]"""


class NotEverybody(WaveError):
    """Selected, not selected and excluded fans are not all accepted ones. [X-8]"""


class ContentChanged(WaveError):
    """The digest named is not that of the wave's present content. [W-7, X-5]"""


class NotCounted(WaveError):
    """The second count of the wave does not agree, or is not finished. [X-14]"""


class SecondCountFailed(WaveError):
    """The checker ended without a verdict (killed, or out of memory), or hung. [X-14]"""

    is_transient = True


class NoticeNotSent(WaveError):
    """The mail server did not take an e-mail to an approver now. [X-5]"""

    is_transient = True


class NotCleared(WaveError):
    """The pre-flight has red lines that nobody waived, or is missing or too old. [X-6]"""


class SamePerson(WaveError):
    """Who approves a wave must not have prepared or last edited it. [W-10]"""


class NotPermitted(WaveError):
    """The user lacks the right this step needs. [O-5]"""


class BadTemplate(WaveError):
    """A template names a placeholder that does not exist, or names the code where there is none.
    [N-1, K-3]
    """


class BadCodeFile(WaveError):
    """A file of codes has none, or names no source. [K-1]"""


class CodesExhausted(WaveError):
    """Not enough codes could be made or reserved for the members. [K-1]"""


class CodeServiceError(WaveError):
    """The code service refused a call; the message names call, wave and market. [K-4]"""


class BadServiceAnswer(CodeServiceError):
    """The code service answered what cannot be right. `codes`: those in it that can be read, which
    it may hold for us. [K-4]
    """

    is_fault = True

    def __init__(self, message: str, codes: tuple[str, ...] = ()) -> None:
        self.codes = codes
        super().__init__(message)


class CodeServiceAway(CodeServiceError):
    """The code service cannot be reached, is too slow, or asks for patience. [K-4]"""

    is_transient = True


class CodesNotAssigned(WaveError):
    """At trigger some members' codes could not be assigned to them. [K-6]"""


class ReasonMissing(WaveError):
    """This step needs a reason."""


class NotDue(WaveError):
    """The wave's notify date has not come yet. [W-11]"""


class BadWaveConfig(WaveError):
    """The config of an uploaded wave cannot be used. [W-3]"""


class BadWaveList(WaveError):
    """The list of an uploaded wave cannot be read, or cannot be a wave. [W-3]"""


class ResendRefused(WaveError):
    """A fan's code is not sent again: they have none, the contact cannot be used, it was too often,
    or sending is stopped. [X-12]
    """


class TrialRefused(WaveError):
    """A test message was not sent: whom it is for, how many there were, or sending is stopped.
    [N-1]
    """
