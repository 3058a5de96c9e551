"""The pages of how Fairwave itself is."""
