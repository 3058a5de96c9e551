"""Who is notified, as tables: waves and members, codes, messages, provider accounts."""

from __future__ import annotations

from waves.models.code_imports import CodeImport, RejectedCode
from waves.models.codes import CODE_SERVICE, Assignment, Code, CodeServiceCall
from waves.models.figures import FigureBlock, FigureChange
from waves.models.messages import Send, Template, TrialMessage
from waves.models.preflights import Preflight
from waves.models.providers import ProviderAccount, ReceiptCount, Sender, TakenReport
from waves.models.rehearsals import Rehearsal, RehearsalSend
from waves.models.resends import Resend
from waves.models.review import ApprovalNotice, DeadlineWarning, NoticeEmail, WaveLook
from waves.models.selections import Selection
from waves.models.soft_starts import SoftStart
from waves.models.suppression import Suppression, SuppressionKey
from waves.models.uploads import WaveUpload
from waves.models.waves import UNSETTLED, Member, Wave, WaveMarket

__all__ = [
    "CODE_SERVICE",
    "UNSETTLED",
    "ApprovalNotice",
    "Assignment",
    "Code",
    "CodeImport",
    "CodeServiceCall",
    "DeadlineWarning",
    "FigureBlock",
    "FigureChange",
    "Member",
    "NoticeEmail",
    "Preflight",
    "ProviderAccount",
    "ReceiptCount",
    "Rehearsal",
    "RehearsalSend",
    "RejectedCode",
    "Resend",
    "Selection",
    "Send",
    "Sender",
    "SoftStart",
    "Suppression",
    "SuppressionKey",
    "TakenReport",
    "Template",
    "TrialMessage",
    "Wave",
    "WaveLook",
    "WaveMarket",
    "WaveUpload",
]
