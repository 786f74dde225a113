"""A server that speaks S3, by moto, and buckets in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

__all__ = ["bucket", "s3_server"]


@contextmanager
def s3_server() -> Iterator[str]:
    """The endpoint of a server that is there for the block."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def bucket(endpoint: str) -> tuple[str, dict[str, Any]]:
    """The URL of a new bucket, and the options that reach it."""
    import boto3

    name = f"files-{uuid4().hex}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket=name)
    options = {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b"}
    return f"s3://{name}/pictures", {**options, "client_options": {"allow_http": True}}
