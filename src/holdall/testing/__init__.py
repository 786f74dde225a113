"""Shipped for those who test: the conformance suite for stores, strategies, failing networks, planned crashes."""
