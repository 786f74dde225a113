"""The operations of actions and selections in the document, with their schemas."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from holdall.actions import DeclaredAction, On, Result
from holdall.app.acting import ByName
from holdall.model import field_schema
from holdall.policy import ANONYMOUS
from holdall.query import Value
from holdall.selections import AnySelection
from holdall.session import Binding
from holdall.web.acting.selected import ROWS, TAKEN
from holdall.web.dialect import CONTROLS
from holdall.web.openapi.access import EVERYTHING, Access
from holdall.web.openapi.parameters import key_parameter, list_parameters
from holdall.web.openapi.responses import ALWAYS, GUARDED, WRITES, problems, reply
from holdall.web.openapi.schemas import Node, RecordSchemas
from holdall.web.openapi.security import SCHEME
from holdall.web.openapi.writing import IF_MATCH, MAX_AFFECTED, or_plan, prefer

__all__ = ["action_schemas", "add_by_name", "row_schema"]

_DONE: Node = {"description": "It is done; the result was not wanted."}


def add_by_name(
    added: Node,
    bindings: Iterable[Binding],
    by_name: ByName,
    answered: Container[str],
    accesses: Mapping[str, Access] | None = None,
    *,
    knows_users: bool,
) -> None:
    """Complete the paths and components of collections, in place, by those of their actions and selections, as far as
    ``accesses`` go.

    Example: :func:`asgi`.
    """
    for binding in bindings:
        name = binding.collection
        if not by_name.has_any_of(name) or name not in answered:
            continue
        access = EVERYTHING if accesses is None else accesses[name]
        schemas = RecordSchemas(binding, access)
        operations: dict[str, Node] = {}
        selections = [each for each in by_name.selections.of(name) if access.has_selection(each.name)]
        for declared in by_name.actions.of(name):
            if not access.has_action(declared.name):
                continue
            security = _security(is_open=declared.policy.may_execute(ANONYMOUS)) if knows_users else {}
            if declared.on in (On.ONE, On.EACH):
                act = _act(binding, schemas, declared, selections, is_on_record=True) | security
                path = f"/{name}/{{key}}/actions/{declared.name}"
                operations[path] = {"parameters": [key_parameter(binding)], "post": act}
            if declared.on is not On.ONE:
                act = _act(binding, schemas, declared, selections, is_on_record=False) | security
                operations[f"/{name}/actions/{declared.name}"] = {"post": act}
        for selection in selections:
            both = _selection(binding, schemas, selection)
            for operation in both.values():
                operation |= _security(is_open=selection.is_for(ANONYMOUS)) if knows_users else {}
            operations[f"/{name}/selections/{selection.name}"] = both
        added["paths"] |= operations
        components = added["components"]["schemas"]
        components |= {place: schema for place, schema in schemas.components.items() if place not in components}


def _security(*, is_open: bool) -> Node:
    return {"security": [{}, {SCHEME: []}] if is_open else [{SCHEME: []}]}


def action_schemas(schemas: RecordSchemas, declared: DeclaredAction) -> tuple[Node, Node]:
    """The schemas of the inputs and of the result of an action. Example: :func:`asgi`."""
    return declared.inputs.schema(schemas), _result(schemas, declared.result)


def _result(schemas: RecordSchemas, result: Result) -> Node:
    if result.model is not None:
        one: Node = {"$ref": f"#/components/schemas/{result.model.__name__}.Record"}
        if result.is_many:
            return {"type": "array", "items": one}
        return {"anyOf": [one, {"type": "null"}]} if result.is_optional else one
    if result.is_content:
        return {"type": "string", "description": "a file"}
    return schemas.of_annotation(result.annotation) if result.is_told else {}


# --- actions ----------------------------------------------------------------------------------------------------------


def _act(
    binding: Binding,
    schemas: RecordSchemas,
    declared: DeclaredAction,
    selections: Sequence[AnySelection],
    *,
    is_on_record: bool,
) -> Node:
    place = f"{binding.model.__name__}.{declared.kind.__name__}"
    inputs, result = action_schemas(schemas, declared)
    schemas.components |= {f"{place}.Inputs": inputs, f"{place}.Result": result}
    given: Node = {"$ref": f"#/components/schemas/{place}.Inputs"}
    shown: Node = {"$ref": f"#/components/schemas/{place}.Result"}
    is_alone = declared.on is On.NOTHING
    if is_on_record or is_alone:
        body = _object({"result": shown})
        parameters = [*([IF_MATCH] if is_on_record else []), prefer("return", "tx")]
        answer = reply("The result.", body, *(["ETag"] if is_on_record else []))
        statuses = (*WRITES, *ALWAYS, *(GUARDED if is_on_record else ()))
    else:
        body = _object({"affected": _COUNT, "result": shown})
        if declared.on is On.EACH:
            item = _object({"key": {"type": "string", "description": "as a path has it"}, "result": shown})
            body = _object({"affected": _COUNT, "results": {"type": "array", "items": item}})
        parameters = [MAX_AFFECTED, prefer("return", "tx", "max-affected"), *_filters(binding, schemas)]
        parameters += _selecting(selections, schemas, parameters)
        answer, statuses = reply("The result, or the result of each.", body), (*WRITES, *ALWAYS, *GUARDED)
    if declared.result.is_content:
        file: Node = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
        answer = {"description": "The file.", "content": {"*/*": file}}
    content = {"application/json": {"schema": given}}
    return {
        "tags": [binding.collection],
        "operationId": f"{binding.collection}_{_word(declared.name)}{'' if is_on_record or is_alone else '_all'}",
        "summary": declared.title,
        "parameters": parameters,
        "requestBody": {"required": "required" in inputs, "content": content},
        "responses": {"200": or_plan(answer), "204": _DONE} | problems(*statuses),
    }


def _filters(binding: Binding, schemas: RecordSchemas) -> list[Node]:
    return [each for each in list_parameters(binding, schemas) if each["name"] not in CONTROLS]


def _selecting(selections: Sequence[AnySelection], schemas: RecordSchemas, known: Sequence[Node]) -> list[Node]:
    """The parameters by which the records of a selection are meant."""
    if not selections:
        return []
    told = "All records of this selection, with its parameters; filters narrow it."
    names = [each.name for each in selections]
    found = [{"name": "selection", "in": "query", "description": told, "schema": {"type": "string", "enum": names}}]
    taken = {each["name"] for each in known} | {"selection"}
    for selection in selections:
        for parameter in _own(selection, schemas):
            if parameter["name"] not in taken:
                taken.add(parameter["name"])
                described = f"Of selection {selection.name}. {parameter.get('description', '')}".strip()
                found.append(parameter | {"required": False, "description": described})
    return found


# --- selections -------------------------------------------------------------------------------------------------------


def _selection(binding: Binding, schemas: RecordSchemas, selection: AnySelection) -> Node:
    title = "".join(part.capitalize() for part in _word(selection.name).split("_"))
    place = f"{binding.model.__name__}.{title}"
    listed = schemas.components[f"{binding.model.__name__}.List"]
    row = row_schema(schemas, selection)
    schemas.components[f"{place}.Row"] = row
    rows: Node = {"$ref": f"#/components/schemas/{place}.Row"}
    items = {"anyOf": [rows, {"type": "array"}]} if selection.columns else rows
    properties = {name: each for name, each in listed["properties"].items() if name != "broken"}
    page = listed | {"title": f"a page of {selection.name}"}
    page |= {"properties": properties | {"data": {"type": "array", "items": items}}}
    answer = reply("A page of rows.", page, "ETag")
    answer["content"] |= {media: {"schema": {"type": "string"}} for media in ("text/csv", "application/x-ndjson")}
    own = _own(selection, schemas)
    names = {each["name"] for each in own}
    rest = [
        each
        for each in list_parameters(binding, schemas)
        if each["name"] not in names and (each["name"] not in CONTROLS or each["name"] in TAKEN)
    ]
    rest.append(_ROWS)
    found: Node = {"tags": [binding.collection], "summary": selection.title}
    responses = {"200": answer} | problems(400, 412, 422, *ALWAYS)
    inputs = selection.inputs.schema(schemas)
    schemas.components[f"{place}.Parameters"] = inputs
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{place}.Parameters"}}}
    word = f"{binding.collection}_{_word(selection.name)}"
    unchanged: Node = {"304": {"$ref": "#/components/responses/NotModified"}}
    return {
        "get": found | {"operationId": word, "parameters": [*own, *rest], "responses": unchanged | responses},
        "post": found
        | {
            "operationId": f"{word}_posted",
            "parameters": rest,
            "requestBody": {"required": "required" in inputs, "content": content},
            "responses": responses | problems(408, 413, 415),
        },
    }


def row_schema(schemas: RecordSchemas, selection: AnySelection) -> Node:
    """The schema of a row of a selection, as an object. Example: :func:`asgi`."""
    if not selection.columns:
        return schemas.reference("Record")
    properties: Node = {}
    for column in selection.columns:
        schema: Value = {} if column.field is None else dict(field_schema(column.field, schemas))
        if schema and len(column.path) > 1:  # what leads there may lead to nothing that the user may read
            schema = {"anyOf": [schema, {"type": "null"}]}
        properties[column.name] = schema
    return _object(properties) | {"title": selection.title}


def _own(selection: AnySelection, schemas: RecordSchemas) -> list[Node]:
    inputs = selection.inputs.schema(schemas)
    required = inputs.get("required", ())
    found = []
    for name, given in inputs["properties"].items():
        schema = {key: value for key, value in given.items() if key != "description"}
        is_plain = schema.get("type") in ("string", "integer", "number", "boolean")
        node: Node = {"name": name, "in": "query", "required": name in required}
        node |= {"description": given["description"]} if "description" in given else {}
        node |= {"schema": schema} if is_plain else {"content": {"application/json": {"schema": schema}}}
        found.append(node)
    return found


def _word(name: str) -> str:
    return name.replace("-", "_")


def _object(properties: Node) -> Node:
    return {"type": "object", "required": list(properties), "properties": properties}


_COUNT: Node = {"type": "integer", "minimum": 0, "description": "how many records it was done on"}
_ROWS: Node = {
    "name": ROWS,
    "in": "query",
    "description": "Rows as objects, or as lists of the values of their columns.",
    "schema": {"type": "string", "enum": ["object", "list"]},
}
