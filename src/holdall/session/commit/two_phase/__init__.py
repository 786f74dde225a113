"""The protocol of a commit over several stores: prepare, decide, roll forward, abort, and what helpers do.

Read in this order: ``participants`` (who takes part, and how each holds its part), ``prepare``, ``decide``,
``roll_forward``, ``abort``, ``take_back``; then what others do: ``settle`` and ``make_way``.
"""
