"""The support desk sends one fan's code again, to a corrected contact. [X-12]"""

from __future__ import annotations
