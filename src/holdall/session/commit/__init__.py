"""How a session's changes are written. Read the folders in this order, each uses only those before it:

``plan`` (which records go where, in which order), ``outcome`` (the result for each record), ``calls`` (stores that take
one record at a time), ``two_phase`` (the protocol of several stores), ``recovery`` (commits that others left behind),
``run`` (the commits of a session).
"""
