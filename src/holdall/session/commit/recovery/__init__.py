"""Commits that others left behind, in rounds and by name."""
