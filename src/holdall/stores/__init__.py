"""The concrete stores, each a room of its own; nothing imports this package, they are found by the scheme of a URL."""
