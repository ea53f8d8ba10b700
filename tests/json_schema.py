"""The part of JSON Schema that docs/summary.schema.json uses, for tests."""

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
KNOWN = {
    *("$schema", "$defs", "$ref", "title", "description", "type", "enum", "const", "required"),
    *("properties", "additionalProperties", "items", "minimum", "maximum"),
}


def problems(value, schema, root=None, place="$"):
    """What of a JSON value is not as the schema says, with places."""
    root = schema if root is None else root
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return problems(value, target, root, place)
    if "const" in schema and value != schema["const"]:
        return [f"{place}: {value!r}, expected {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{place}: {value!r}, expected one of {schema['enum']}"]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        return [f"{place}: {value!r} is no {' or '.join(kinds)}"]
    out = []
    if isinstance(value, int | float) and not isinstance(value, bool):
        out += [f"{place}: {value} < minimum"] * (value < schema.get("minimum", value))
        out += [f"{place}: {value} > maximum"] * (value > schema.get("maximum", value))
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            out += problems(item, schema["items"], root, f"{place}[{i}]")
    if isinstance(value, dict):
        out += _object_problems(value, schema, root, place)
    return out


def _object_problems(value, schema, root, place):
    out = [f"{place} lacks {name}" for name in schema.get("required", []) if name not in value]
    properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, part in value.items():
        if name in properties:
            out += problems(part, properties[name], root, f"{place}.{name}")
        elif more is False:
            out.append(f"{place} has {name}, which is not known")
        elif isinstance(more, dict):
            out += problems(part, more, root, f"{place}.{name}")
    return out


def _is(value, kind):
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])
