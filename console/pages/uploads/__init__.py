"""Lists that are uploaded: what is asked with them, and where they go. [W-3]"""

from __future__ import annotations
