"""Who gets in: campaigns, registrations, score files, and the draw."""
