"""The durable log of commits over several stores: its rows, their format, who owns them, where they are kept."""
