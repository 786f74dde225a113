"""Records with files in every kind of store: what is kept of a file comes back, guards and is collected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.gallery import GIF, PNG, contents_in, gallery
from tests.support.served import Served

_STORES: dict[str, str] = {
    "postgres": "postgres_url",
    "mariadb": "mariadb_url",
    "redis": "redis_url",
    "mongo": "mongo_url",
}


@pytest.mark.parametrize("kind", _STORES)
def test_files_in_every_store(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]
) -> None:
    url: str = request.getfixturevalue(_STORES[kind])
    folder = tmp_path / "images"
    with Served(gallery(fresh_database(url) if kind in ("postgres", "mariadb") else url, f"file:{folder}")) as served:
        served.post("/pictures", {"id": 7, "title": "a"})
        name = {"content-disposition": "attachment; filename*=UTF-8''%C3%A5.png"}
        made = served.request("PUT", "/pictures/7/image", body=PNG, headers=name)
        assert (made.status, made.json()["name"]) == (201, "å.png")
        assert served.get("/pictures/7").json()["image"] == made.json()
        guard = {"if-match": made.headers["etag"]}
        assert served.request("PUT", "/pictures/7/image", body=GIF, headers=guard).status == 200
        assert served.request("PUT", "/pictures/7/image", body=PNG, headers=guard).status == 412
        assert served.get("/pictures/7/image").body == GIF
        (kept,) = contents_in(folder)
        orphan = kept.with_name(kept.name[:39] + ("0" if kept.name[39] != "0" else "1"))
        orphan.write_bytes(b"")
        (report, _) = served.run(served.app.collect_files(grace=0))
        assert (report.seen, report.orphans, report.deleted, contents_in(folder)) == (2, 1, 1, [kept])
        assert served.run(served.app.check_files()) == []
        assert served.delete("/pictures/7").status == 204
        assert contents_in(folder) == []
