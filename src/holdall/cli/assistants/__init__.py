"""Tools for assistants, by the Model Context Protocol: the REST service of an application, asked for one user.

Each tool is a request to the service within this process, so rights, rules, bounds and problems are those of HTTP.
"""

from holdall.cli.assistants.requests import Reply, Request, Service
from holdall.cli.assistants.serving import answered, server_of
from holdall.cli.assistants.tool import MisusedTool, Tool
from holdall.cli.assistants.tools import tools_of

__all__ = ["MisusedTool", "Reply", "Request", "Service", "Tool", "answered", "server_of", "tools_of"]
