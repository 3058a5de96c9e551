"""What the pages of the demand archive show: history, fields, counts, error files."""
