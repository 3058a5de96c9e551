"""The people who use the site: invited, given a role, deactivated. [O-5]"""

from __future__ import annotations
