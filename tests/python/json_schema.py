"""The part of JSON Schema that the schemas of the command's outputs use; a word that is not known here is an error."""

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}
KNOWN = {"$schema", "$defs", "title", "description", "type", "enum", "minimum", "required", "properties",
         "additionalProperties", "items"}


def validate(value, schema, root=None, at="output"):
    root = root or schema
    if "$ref" in schema:
        return validate(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, at)
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "enum" in schema:
        assert value in schema["enum"], (at, value)
        return
    if "type" in schema:
        assert isinstance(value, TYPES[schema["type"]]) and not isinstance(value, bool), (at, value)
    assert value >= schema["minimum"] if "minimum" in schema else True, (at, value)
    for name in schema.get("required", []):
        assert name in value, (at, name)
    if isinstance(value, dict):
        for name, inner in value.items():
            rule = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
            assert rule is not False, (at, name)
            validate(inner, rule, root, f"{at}.{name}")
    for i, inner in enumerate(value if isinstance(value, list) else []):
        validate(inner, schema.get("items", {}), root, f"{at}[{i}]")
