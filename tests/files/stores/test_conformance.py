"""Every file store passes the suite; S3 as moto's server speaks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdall.files import FileStore, InsideFiles, LocalFiles, MemoryFiles, TieredFiles, open_file_store
from holdall.testing.file_conformance import FileStoreConformance
from tests.support.object_store import bucket, s3_server

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


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


class TestS3(FileStoreConformance):
    @pytest.fixture(autouse=True)
    def filled(self, s3: str) -> None:
        self.url, self.options = bucket(s3)

    def open_store(self, folder: Path) -> FileStore:
        return open_file_store("files", self.url, **self.options)

    def reopened(self, folder: Path, store: FileStore) -> FileStore:
        return self.open_store(folder)
