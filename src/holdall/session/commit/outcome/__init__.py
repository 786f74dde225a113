"""Results of a commit: outcomes of stores become tasks for the caller, and clean records."""
