"""A small model checker over the real code of a commit over several stores: every step of a store is a choice."""
