"""Contacts of fans → the groups that look made by machines, in a certain order. [X-13]"""

from __future__ import annotations

from campaigns.fairness.suspicious.bursts import bursts
from campaigns.fairness.suspicious.domains import rare_domains
from campaigns.fairness.suspicious.groups import Group, in_order
from campaigns.fairness.suspicious.phone_runs import phone_runs
from campaigns.fairness.suspicious.spellings import many_spellings
from campaigns.fairness.suspicious.stems import running_digits
from campaigns.fairness.suspicious.traits import Traits
from operations.threads import helper_thread


def suspicious_groups(traits: Traits) -> list[Group]:
    """All that are named; the same fans, the same groups in the same order, whatever order the fans
    came in.
    """
    with helper_thread("suspicious stems") as helper:  # they take as long as all others
        stems = helper.submit(running_digits, traits.numbered)
        others = [
            *phone_runs(traits.phones),
            *rare_domains(traits.mail, traits.times, traits.domains),
            *many_spellings(traits.mail),
            *bursts(traits.times),
        ]
        return in_order([*stems.result(), *others])
