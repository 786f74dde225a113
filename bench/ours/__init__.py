"""The same work done with Holdall, through its public names only."""
