"""The server of the Model Context Protocol, by the package ``mcp``: tools are listed and called for one user."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec

from holdall.cli.assistants.requests import Reply, Service
from holdall.cli.assistants.tool import Arguments, MisusedTool
from holdall.cli.assistants.tools import tools_of
from holdall.query import Value, did_you_mean

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

__all__ = ["answered", "server_of"]

_INSTRUCTIONS = """\
Tools are of the collections of an application: COLLECTION_list, _get, _create, _update and _delete; _select_NAME for
queries that have a name; _act_NAME for actions. A refusal says which fields are wrong. Give the etag of a record with
its update, so that nobody's change is overwritten unseen."""


async def answered(service: Service, name: str, arguments: Arguments, *, is_reading: bool = False) -> Reply:
    """The answer of a tool; a record comes with its etag. Raises MisusedTool for a tool that this user has not, and for
    arguments that do not fit. Example: ``docs/assistants.md``.
    """
    tools = await tools_of(service, is_reading=is_reading)  # anew: rights may have changed
    if name not in tools:
        raise MisusedTool(f"there is no tool {name!r}{did_you_mean(name, list(tools), 5)}")
    reply = await service.ask(tools[name].request(arguments))
    if tools[name].gives_record and not reply.is_refusal:
        return msgspec.structs.replace(reply, content={"record": reply.content, "etag": reply.etag})
    return reply


def server_of(service: Service, name: str, *, is_reading: bool = False) -> Server[Value]:
    """A server whose tools are those of the service, for the user that the service is asked for.

    Example: ``docs/assistants.md``.
    """
    from mcp import types
    from mcp.server.lowlevel import Server

    async def listed(context: object, params: object) -> types.ListToolsResult:
        tools = await tools_of(service, is_reading=is_reading)
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    description=tool.description,
                    input_schema=tool.schema,
                    annotations=types.ToolAnnotations(
                        read_only_hint=tool.is_reading, destructive_hint=tool.is_destroying, open_world_hint=False
                    ),
                )
                for tool in tools.values()
            ]
        )

    async def called(context: object, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            reply = await answered(service, params.name, params.arguments or {}, is_reading=is_reading)
        except MisusedTool as error:
            return _result(str(error), is_refusal=True)
        told = reply.content if isinstance(reply.content, dict) else {"result": reply.content}
        return _result(told, is_refusal=reply.is_refusal)

    def _result(told: Value, *, is_refusal: bool) -> types.CallToolResult:
        text = told if isinstance(told, str) else msgspec.json.encode(told).decode()
        structured = told if isinstance(told, dict) else None
        content: list[types.ContentBlock] = [types.TextContent(type="text", text=text)]
        return types.CallToolResult(content=content, structured_content=structured, is_error=is_refusal)

    return Server(
        name,
        version=version("holdall"),
        instructions=_INSTRUCTIONS,
        on_list_tools=listed,
        on_call_tool=called,
    )
