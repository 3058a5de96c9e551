"""The pages of the demand archive."""
