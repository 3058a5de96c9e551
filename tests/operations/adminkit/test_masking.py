"""Masks keep just enough of a contact to compare it. [O-7]"""

from __future__ import annotations

import pytest

from operations.adminkit.masking import mask_email, mask_phone, mask_text

pytestmark = pytest.mark.django_db


def test_masks_keep_just_enough_to_compare():
    assert mask_email("anna@mail.example.com") == "a•••@m•••.com"
    assert mask_phone("+12025550123") == "+1••••••••23"
    assert mask_text("A7KX29QWER") == "A7••••••••"
    assert mask_text("TM") == "TM"
    assert mask_email("") == mask_phone("") == mask_text("") == ""
    assert mask_phone("1234") == "••••"
