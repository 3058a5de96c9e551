"""What the pages say of a campaign: where it stands, and its history."""
