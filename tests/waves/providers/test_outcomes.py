"""Every answer that a provider may give has its meaning for the row. [N-3]"""

from __future__ import annotations

import pytest

from waves.choices import SendState
from waves.providers.outcomes import Kind, Outcome
from waves.sending import pacing


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("honours_keys", [True, False])
def test_n3_every_kind_of_answer_has_a_next_state(kind, honours_keys):
    following = pacing.next_send_state(
        Outcome(kind), tries=0, maybe_accepted=False, honours_keys=honours_keys, chance=0.5
    )
    assert following.state in SendState.values
    assert (following.state == SendState.SENT) == (kind == Kind.SENT)
