"""How a session's changes are written: planned, carried out, journaled, recovered."""
