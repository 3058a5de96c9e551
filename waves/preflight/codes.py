"""Whether each member has an access code of their own. [X-6, K-1, K-3]"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from operations.database.statements import first_row
from operations.plurals import plural
from waves.choices import WaveKind
from waves.models import Wave
from waves.preflight.check import Check, Color, Problem, judged, red

NAME = "Access codes"
# A code is the fan's own where its row says so: reserved for them in this wave, or assigned.
_FACTS = """
SELECT count(*),
    count(*) FILTER (WHERE member.code = 'TM'),
    count(*) FILTER (WHERE member.code = ''),
    count(*) FILTER (WHERE member.code NOT IN ('', 'TM') AND code.global_user_id =
        member.global_user_id AND code.campaign_id = member.campaign_id AND
        (code.wave_id = member.wave_id OR code.state IN ('assigned', 'published'))),
    min(code.ends_at)
FROM waves_member AS member LEFT JOIN waves_code AS code
    ON upper(code.code) = upper(member.code) AND member.code NOT IN ('', 'TM')
WHERE member.wave_id = %(wave)s
"""


@dataclass(frozen=True)
class CodeFacts:
    """`tm`: members whose stock is managed elsewhere; `without`: with no code at all; `own`: with a
    code that is reserved for them or assigned to them; `ends_at`: when the first code ends.
    """

    members: int
    tm: int
    without: int
    own: int
    ends_at: datetime | None
    needs_codes: bool = True


def code_facts(wave: Wave) -> CodeFacts:
    members, tm, without, own, ends_at = first_row(_FACTS, wave=wave.pk) or (0, 0, 0, 0, None)
    needs_codes = wave.kind != WaveKind.NOT_SELECTED
    return CodeFacts(members, tm, without, own, ends_at, needs_codes)


def judge(facts: CodeFacts) -> Check:
    """Red unless every member whose stock is not managed elsewhere has a code of their own."""
    if not facts.needs_codes:
        return Check(NAME, Color.GREEN, "Fans who were not selected get no code.")
    problems: list[Problem] = []
    if facts.without:
        problems.append(
            red(
                f"{plural(facts.without, 'member')} without a code. Reset the wave and prepare it"
                " again."
            )
        )
    strange = facts.members - facts.tm - facts.without - facts.own
    if strange:
        problems.append(
            red(
                f"{plural(strange, 'member')} with a code that is not reserved for that fan. Reset"
                " the wave and prepare it again."
            )
        )
    tm = f" {facts.tm:,} have stock managed elsewhere (TM)." if facts.tm else ""
    return judged(
        NAME,
        problems,
        fine=f"{plural(facts.own, 'member')} with a code of their own.{tm}",
    )
