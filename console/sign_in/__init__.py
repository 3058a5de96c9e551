"""The door of the operators' site: who may enter, and how often a password may be guessed. [O-7]"""

from __future__ import annotations
