"""One class per refusal; the message says what, where and what to do."""

from __future__ import annotations

from operations.errors import Refusal


class CampaignError(Refusal):
    """A step of a campaign was refused, or could not be done; nothing was written."""


class ListEntryInvalid(CampaignError):
    """A line of a blacklist, whitelist or list of disposable domains cannot be read. [S-4]

    It is named and not quoted: the text of an error goes into job pages and alerts, and the
    line may be an address.
    """

    def __init__(self, list_name: str, line_number: int, hint: str) -> None:
        self.list_name, self.line_number, self.hint = list_name, line_number, hint
        super().__init__(f"{list_name}, line {line_number} cannot be read: {hint}")


class UnknownCampaign(CampaignError):
    """No campaign has this id."""


class WrongStatus(CampaignError):
    """The campaign's status does not allow this step: uploads, scoring and waves need it open.
    [C-2]
    """


class RuleChangeRefused(CampaignError):
    """The rules of an open campaign change only with a reason, and not while a wave is being
    prepared. [S-16]
    """


class CapacityTooSmall(CampaignError):
    """A market cannot have fewer seats than are given. [W-5]"""


class BadCampaignFile(CampaignError):
    """A campaign's JSON file cannot be used as it is. [C-1]"""


class BadPublicSource(CampaignError):
    """A public source that a campaign cannot name: past, without its time or form, or not to be
    read. [S-8]
    """


class NotConfirmed(CampaignError):
    """A person did not confirm that they know what opening without a public source means. [S-8]"""


class BadPublicValue(CampaignError):
    """A text that cannot be the value of the public source. [S-8]"""


class TooEarly(CampaignError):
    """The public value cannot be known yet. [S-8]"""


class BadBeacon(CampaignError):
    """What a server told is not the drand round that was asked for; the message says why. [S-8]"""


class CannotFetch(CampaignError):
    """The public source is none whose value can be fetched. [S-8]"""


class SourceOutOfReach(CampaignError):
    """No mirror of the public source gave its value, intact; a moment later one may. [S-8]"""

    is_transient = True


class DrawIsLocked(CampaignError):
    """Seed, salt, source and public value of a draw are set once. [S-8]"""


class UnreadableFile(CampaignError):
    """A whole file cannot be taken: empty, binary, without a needed column, too large, changed
    while it was read. [S-1]
    """


class WrongCampaign(CampaignError):
    """The file's name says that it belongs to another campaign. [S-1]"""


class UnreadableList(CampaignError):
    """A blacklist or whitelist is there but cannot be read; judging without it would let in whom it
    keeps out. [S-1]
    """


class ListOutOfReach(UnreadableList):
    """The bucket does not give a blacklist or whitelist now; a moment later it may. [S-1]"""

    is_transient = True


class NoBlacklist(CampaignError):
    """There is no blacklist for all campaigns, and REQUIRE_BLACKLIST asks for one. [S-1]"""


class AlreadyProcessed(CampaignError):
    """Another attempt has the same bytes under the same rules. [S-12]"""


class UnknownScoreFile(CampaignError):
    """No score file has this number."""


class CannotDryRun(CampaignError):
    """A dry run of a score file whose rows were judged already, or are just being judged. [S-3]"""


class CannotSupplement(CampaignError):
    """This score file can have no supplement now: its rows are not judged, or not all of them are
    there any more. [S-14]
    """


class BadCorrection(CampaignError):
    """A corrected file of rejected rows cannot be read, or is not of the file that it should fix.
    [C-4, S-14]
    """


class CannotCorrect(CampaignError):
    """The rejected rows of a registration file that is not imported yet are not known. [C-4]"""


class UnknownImport(CampaignError):
    """No registration file has this number, or it belongs to another campaign."""


class CannotActivate(CampaignError):
    """The active score file cannot be switched now. [S-13]"""


class LateRefused(CampaignError):
    """What comes after luck could be known needs a right of its own and a reason. [S-8]"""


class CannotName(CampaignError):
    """The score file that will be active can no longer be named, or is not this one. [S-8]"""


class CancelledByHand(CampaignError):
    """A person cancelled the processing of a file."""


class NotStored(CampaignError):
    """The bucket did not keep a file as it was given. [S-1]"""

    is_transient = True


class RowsMissing(CampaignError):
    """Not all rows of a score file were found when its files were written; nothing was published.
    [S-3]
    """


class UnknownEvent(CampaignError):
    """A message of the queue for S3 events is none that S3 sends."""


class UnfitName(CampaignError):
    """An object in a watched folder of the bucket, whose name says nothing that we know. [S-1]"""


class CannotTakeIn(CampaignError):
    """What arrived does not wait for a person to take it in. [S-8]"""


class UploadNotFound(CampaignError):
    """An upload past us, straight to the bucket, is not there, or was not asked for by this person
    and campaign.
    """


class NotDrawn(CampaignError):
    """The score file has no band scores yet, so its draw cannot be judged. [X-3]"""


class BadFanListId(CampaignError):
    """This cannot name a fan list. [S-15]"""


class UnknownFanList(CampaignError):
    """No campaign has a fan list of this name, so it is unknown whom its ranks are for. [S-15]"""


class FanListTaken(CampaignError):
    """The fan list belongs to another campaign. [S-15]"""


class NoReceipt(CampaignError):
    """A fan's reference and nonce cannot be given, or not be written where they were asked for.
    [S-8]
    """


class NothingToList(CampaignError):
    """A suspicious group is on the blacklist already, or a list cannot name its fans. [X-13]"""
