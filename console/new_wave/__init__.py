"""The form of a new wave: its markets as boxes, other plans beside it, and what they would do."""
