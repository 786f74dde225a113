"""Both ends of references in two stores, written by several processes at once."""
