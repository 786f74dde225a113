"""The commits of a session, each carried out in a task of its own.

A commit over several stores is read from ``several_stores`` by ``participation`` and ``endings`` into ``two_phase``.
"""
