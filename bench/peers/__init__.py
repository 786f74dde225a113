"""The same work done with other libraries; runs in an environment of its own (``bench/peers.txt``)."""
