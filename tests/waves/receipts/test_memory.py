"""What was acted on is remembered by its provider and id. [N-8]"""

from __future__ import annotations

import pytest

from waves.receipts import memory

pytestmark = pytest.mark.django_db


def test_n8_only_what_never_came_from_this_provider_is_new():
    assert memory.remember("twilio", ["SM1", "SM2", "SM1"]) == {"SM1", "SM2"}
    assert memory.remember("twilio", ["SM2", "SM3"]) == {"SM3"}
    assert memory.remember("infobip", ["SM2"]) == {"SM2"}
    assert memory.remember("infobip", []) == set()
