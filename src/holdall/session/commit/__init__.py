"""How a session's changes are written. Read the folders in this order, each uses only those before it:

``plan`` (which records go where, in which order), ``outcome`` (what came of each), ``calls`` (stores that take one
record at a time), ``two_phase`` (the protocol of several stores), ``recovery`` (what others left behind), ``run`` (the
commits of a session).
"""
