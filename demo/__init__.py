"""Programs that show Holdall on real data."""
