"""Who gets in, as tables: presales.py, registering.py, scoring.py; and arriving.py, what was
noticed in the bucket; lateness.py, what came after luck could be known.
"""

from __future__ import annotations

from campaigns.models.arriving import Arrival
from campaigns.models.lateness import KeptList, LateChange
from campaigns.models.presales import (
    CODE_PREFIX,
    PUBLIC_ID,
    SOURCE_FIELDS,
    Campaign,
    ListEntry,
    Market,
    RuleChange,
    home_of_the_us,
)
from campaigns.models.ranking import RankFile
from campaigns.models.registering import (
    CorrectedRegistration,
    Registrant,
    RegistrationImport,
    RejectedRegistration,
)
from campaigns.models.scoring import Activation, FanList, FanScore, RejectedRow, ScoreFile
from campaigns.models.sources import SourceMove
from campaigns.models.suspicion import SuspiciousFan, SuspiciousGroup

__all__ = [
    "CODE_PREFIX",
    "PUBLIC_ID",
    "SOURCE_FIELDS",
    "Activation",
    "Arrival",
    "Campaign",
    "CorrectedRegistration",
    "FanList",
    "FanScore",
    "KeptList",
    "LateChange",
    "ListEntry",
    "Market",
    "RankFile",
    "Registrant",
    "RegistrationImport",
    "RejectedRegistration",
    "RejectedRow",
    "RuleChange",
    "ScoreFile",
    "SourceMove",
    "SuspiciousFan",
    "SuspiciousGroup",
    "home_of_the_us",
]
