"""Campaigns, registrations, score files, and the draw."""
