"""Files in routes of one's own: of a view, and of the host."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from holdall.web.attachments import file_response, sent_file
from holdall.web.views import AsyncRestView, get, include_view, put
from tests.support.gallery import GIF, PNG, Picture, gallery, png
from tests.support.served import Served


class PictureView(AsyncRestView[Picture]):
    prefix = "/pictures"

    @get("/{key}/image")
    async def image(self, key: str) -> Response:
        return await file_response(self.request, (await self.handle_get_one(self.key_of(key))).image)

    @put("/{key}/image")
    async def put_image(self, key: str) -> object:
        picture = await self.get_one(self.key_of(key))
        async with self.write_action("update", obj=picture):
            picture.image = sent_file(self.request, Picture, "image")
        return self.to_response(picture)


def test_files_of_a_view() -> None:
    served = Served(gallery())
    include_view(served.service, PictureView)

    async def first(request: Request) -> Response:
        async with served.app.session() as session:
            return await file_response(request, (await session.require(Picture, 7)).image)

    served.service.add_api_route("/first", first)
    with served:
        assert served.post("/pictures", {"id": 7}).status == 201
        assert served.get("/pictures/7/image").status == 404
        name = {"content-disposition": "attachment; filename=a.png"}
        made = served.request("PUT", "/pictures/7/image", body=[PNG[:9], PNG[9:]], headers=name)
        assert (made.status, made.json()["image"]["name"]) == (200, "a.png")
        found = served.get("/pictures/7/image", range="bytes=1-3")
        assert (found.status, found.body, found.headers["x-content-type-options"]) == (206, b"PNG", "nosniff")
        assert served.get("/pictures/7/image", if_none_match=found.headers["etag"]).status == 304
        assert served.get("/pictures/7/image", range="bytes=999-").status == 416
        assert served.get("/first").body == PNG
        wrong = served.request("PUT", "/pictures/7/image", body=b"hello")
        assert (wrong.status, wrong.json()["errors"][0]["path"]) == (422, "image")
        assert served.request("PUT", "/pictures/7/image", body=png(300_000)).status in (413, 422)
        assert served.request("PUT", "/pictures/7/image", body=GIF, headers={"content-encoding": "br"}).status == 415
        assert served.get("/pictures/7/image").body == PNG
