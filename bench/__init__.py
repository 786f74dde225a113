"""Measurements of Holdall beside raw driver code and its peers, in one run: ``python -m bench``. Never timed tests."""
