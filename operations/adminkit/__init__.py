"""What the lists and pages of every app share: masking, paging, spreadsheets."""
