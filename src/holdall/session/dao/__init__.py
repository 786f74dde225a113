"""Records that hand-written code gives and takes: DAOs, query functions, and what a session does meanwhile."""
