"""Shipped for those who test: the store conformance suite, strategies for queries and rows, failing networks, crashes."""
