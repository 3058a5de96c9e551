"""The operators' pages and the public page of a draw."""
