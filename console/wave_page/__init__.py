"""What the page of one wave shows: its steps, what comes next, and what an approver has to know."""

from __future__ import annotations
