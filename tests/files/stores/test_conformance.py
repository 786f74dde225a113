"""Every file store passes the suite; S3 as moto's server speaks it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from holdall.files import FileStore, InsideFiles, LocalFiles, MemoryFiles, TieredFiles, open_file_store
from holdall.testing.file_conformance import FileStoreConformance

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:moto", "ignore::DeprecationWarning:botocore")


class TestMemory(FileStoreConformance):
    def open_store(self, folder: Path) -> FileStore:
        return MemoryFiles("files")


class TestFolder(FileStoreConformance):
    def open_store(self, folder: Path) -> FileStore:
        return open_file_store("files", f"file:{folder}")

    def reopened(self, folder: Path, store: FileStore) -> FileStore:
        return self.open_store(folder)


class TestFolderByContent(TestFolder):
    def open_store(self, folder: Path) -> FileStore:
        return open_file_store("files", f"file://{folder}", address="content")


class TestInside(FileStoreConformance):
    keeps_outside = False

    def open_store(self, folder: Path) -> FileStore:
        return InsideFiles("files")


class TestTiered(FileStoreConformance):
    def open_store(self, folder: Path) -> FileStore:
        return TieredFiles("files", MemoryFiles("work"), LocalFiles("cold", folder))


class TestObjectsInMemory(FileStoreConformance):
    def open_store(self, folder: Path) -> FileStore:
        return open_file_store("files", "objectmemory:")


@pytest.fixture(scope="class")
def s3() -> Iterator[str]:
    """The endpoint of a server that speaks S3."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class TestS3(FileStoreConformance):
    @pytest.fixture(autouse=True)
    def bucket(self, s3: str) -> None:
        import boto3

        self.endpoint, self.name = s3, f"files-{uuid4().hex}"
        client = boto3.client(
            "s3", endpoint_url=s3, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        client.create_bucket(Bucket=self.name)

    def open_store(self, folder: Path) -> FileStore:
        return open_file_store(
            "files",
            f"s3://{self.name}/pictures",
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id="a",
            secret_access_key="b",
            client_options={"allow_http": True},
        )

    def reopened(self, folder: Path, store: FileStore) -> FileStore:
        return self.open_store(folder)
