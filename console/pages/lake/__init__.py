"""The pages of the lake: its calendar, its files, merges by hand, dead letters."""
