"""A page to read and try the service: Swagger UI from an installed package, nothing fetched from anywhere else."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from holdall.web.asgi import address_of_root

__all__ = ["add_docs"]

_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{root}/docs/favicon-32x32.png">
<link rel="stylesheet" href="{root}/docs/swagger-ui.css">
</head>
<body>
<p class="swagger-ui"><button id="operators" class="btn" aria-pressed="false"></button></p>
<div id="swagger-ui" data-document="{root}/openapi.json"></div>
<script src="{root}/docs/swagger-ui-bundle.js"></script>
<script src="{root}/docs/start.js"></script>
</body>
</html>
"""
_START = """const place = document.getElementById("swagger-ui");
const button = document.getElementById("operators");
const WithoutOperators = () => ({
  wrapComponents: {
    parameterRow: (Original, { React }) => (props) =>
      props.rawParam.get("x-operator-of") ? null : React.createElement(Original, props),
  },
});
let known = () => undefined;
function headers() {
  const found = {};
  for (const { schema, value } of Object.values(known()?.toJS() ?? {})) {
    if (schema.scheme === "basic") found.Authorization = "Basic " + btoa(`${value.username}:${value.password}`);
    else if (schema.scheme === "bearer") found.Authorization = `Bearer ${value}`;
    else if (schema.in === "header") found[schema.name] = value;
  }
  return found;
}
const again = (original, { authSelectors, specActions }) => (given) => {
  const done = original(given);
  known = authSelectors.authorized;
  specActions.download(place.dataset.document);
  return done;
};
const WithTheirRights = () => ({
  statePlugins: { auth: { wrapActions: { authorize: again, logout: again, restoreAuthorization: again } } },
});
function show(all) {
  button.textContent = all ? "Filters by equality only" : "Filters with operators, too";
  button.setAttribute("aria-pressed", String(all));
  button.onclick = () => show(!all);
  SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: true,
    docExpansion: "none",
    persistAuthorization: true,
    tryItOutEnabled: true,
    plugins: all ? [WithTheirRights] : [WithTheirRights, WithoutOperators],
    requestInterceptor: (request) => {
      if (request.loadSpec) Object.assign(request.headers, headers());
      return request;
    },
  });
}
show(false);
"""


def add_docs(service: FastAPI) -> None:
    """Serve the page at ``/docs``."""
    service.add_route("/docs", _page, include_in_schema=False)
    service.add_route("/docs/{name}", _file, include_in_schema=False)


async def _page(request: Request) -> Response:
    root = address_of_root(request.scope)
    page = _PAGE.format(title=escape(request.app.title), root=escape(root))
    return Response(page, media_type="text/html", headers={"content-security-policy": _POLICY})


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    headers = {"cache-control": "public, max-age=86400", "x-content-type-options": "nosniff"}
    if name == "start.js":
        return Response(_START, media_type="text/javascript", headers=headers)
    if name not in _FILES:
        return Response(status_code=404)
    content = files("fastapi_swagger.resources").joinpath(name).read_bytes()
    return Response(content, media_type=_FILES[name], headers=headers)
