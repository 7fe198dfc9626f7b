#!/usr/bin/env python
"""Dump every HTTP route of a stock MLflow tracking server (no auth app), and what it reads, as JSON.

Usage:  VENV/bin/python scripts/dump_routes.py OUT.json

Run it with the Python of a virtual environment that holds the MLflow version to describe, then add
what it wrote with scripts/add-mlflow.mjs. Works with MLflow 2.x (Flask only) and 3.x (a FastAPI app
that mounts Flask).

    {"mlflow_version": "3.17.2",
     "routes":   [{"methods": ["GET"], "path": "/api/2.0/mlflow/runs/get", "request": "mlflow.GetRun"},
                  {"methods": ["GET"], "path": "/health", "query": {"name": "str | None"}}, ...],
     "messages": {"mlflow.GetRun": [{"name": "run_id", "json_name": "runId", "type": "string"}, ...]},
     "enums":    {"mlflow.RunStatus": {"RUNNING": 1, ...}}}

`request` is the protobuf message a Flask route parses, or the pydantic model a FastAPI route does, which
stands among the messages as `json.MODULE.NAME`; `query` is the declared query of a FastAPI route.
"""
import json
import os
import sys
import tempfile
import types
import typing

# Behave like `mlflow server`, so that routes that depend on its environment are there.
_tmp = tempfile.mkdtemp(prefix="dump_routes_")
os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{_tmp}/mlflow.db"
os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = "mlflow-artifacts:/"
os.environ["_MLFLOW_SERVER_SERVE_ARTIFACTS"] = "true"
os.environ["_MLFLOW_SERVER_ARTIFACT_DESTINATION"] = f"{_tmp}/artifacts"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"

import mlflow  # noqa: E402
from google.protobuf.descriptor import FieldDescriptor  # noqa: E402

TYPE_NAMES = {
    getattr(FieldDescriptor, n): n[5:].lower() for n in dir(FieldDescriptor) if n.startswith("TYPE_")
}

messages = {}
enums = {}


def is_repeated(field):
    try:
        return field.is_repeated
    except AttributeError:  # protobuf before 6
        return field.label == FieldDescriptor.LABEL_REPEATED


def record_enum(descriptor):
    enums[descriptor.full_name] = {value.name: value.number for value in descriptor.values}


def record_message(descriptor):
    """Remember a message and, but for Google's own, all that it holds."""
    name = descriptor.full_name
    if name in messages or name.startswith("google.protobuf."):
        return
    rows = messages[name] = []
    for field in descriptor.fields:
        row = {"name": field.name, "json_name": field.json_name, "type": TYPE_NAMES[field.type]}
        if is_repeated(field):
            row["repeated"] = True
        if field.containing_oneof is not None:
            row["oneof"] = field.containing_oneof.name
        if field.enum_type is not None:
            row["enum"] = field.enum_type.full_name
            record_enum(field.enum_type)
        if field.message_type is not None:
            row["message"] = field.message_type.full_name
            if field.message_type.GetOptions().map_entry:
                row["map"] = True
            record_message(field.message_type)
        rows.append(row)


def requests_by_route():
    """(method, path) -> protobuf message, by asking get_endpoints() for the messages instead of handlers."""
    from mlflow.server.handlers import get_endpoints

    class Recorder:
        def __init__(self, message):
            self.message = message
            self.__name__ = message.DESCRIPTOR.full_name

    found = {}
    for path, handler, methods in get_endpoints(Recorder):
        if isinstance(handler, Recorder):
            for method in methods:
                # MLflow 3.0 and 3.1 register one path for two messages: Flask serves the first.
                found.setdefault((method, path), handler.message.DESCRIPTOR)
    return found


def flask_routes():
    from mlflow.server import app

    requests = requests_by_route()
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            row = {"methods": [method], "path": rule.rule}
            descriptor = requests.get((method, rule.rule))
            if descriptor is not None:
                record_message(descriptor)
                row["request"] = descriptor.full_name
            yield row


JSON_SCALARS = {str: "string", int: "int64", float: "double", bool: "bool"}


def without_none(annotation):
    """`X` for `X | None` and `Annotated[X, ...]`."""
    if typing.get_origin(annotation) is typing.Annotated:
        return without_none(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        return without_none(kinds[0]) if len(kinds) == 1 else annotation
    return annotation


def record_model(model):
    """Remember a pydantic model in the form of a message; what has no such form is `json`, any value."""
    module = model.__module__.rsplit(".", 1)[-1]
    name = f"json.{module}.{model.__name__}"
    if name in messages:
        return name
    rows = messages[name] = []
    for field_name, info in model.model_fields.items():
        annotation = without_none(info.annotation)
        spelled = info.alias or field_name
        row = {"name": spelled, "json_name": spelled, "type": "json"}
        if typing.get_origin(annotation) is list:
            row["repeated"] = True
            annotation = without_none(typing.get_args(annotation)[0])
        if annotation in JSON_SCALARS:
            row["type"] = JSON_SCALARS[annotation]
        elif isinstance(annotation, type) and hasattr(annotation, "model_fields"):
            row["type"] = "message"
            row["message"] = record_model(annotation)
        elif row.pop("repeated", False):
            row["type"] = "json"
        rows.append(row)
    if model.model_config.get("extra") == "allow":
        rows.append({"name": "*", "json_name": "*", "type": "json"})
    return name


def body_model(dependant):
    for parameter in dependant.body_params:
        annotation = without_none(parameter.field_info.annotation)
        if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
            return record_model(annotation)
    return None


def flattened(routes):
    """Newer FastAPI keeps an included router as one nested entry."""
    for route in routes:
        if getattr(route, "path", None) is None and hasattr(route, "effective_candidates"):
            yield from flattened(route.effective_candidates())
        else:
            yield route


def fastapi_routes():
    try:
        from mlflow.server.fastapi_app import app
    except ImportError:
        return
    for route in flattened(app.routes):
        methods = sorted(set(getattr(route, "methods", None) or []) - {"HEAD", "OPTIONS"})
        if not methods:  # the mount of the Flask app
            continue
        row = {"methods": methods, "path": route.path}
        dependant = getattr(route, "dependant", None)
        if dependant is not None and dependant.query_params:
            row["query"] = {
                p.alias: getattr(p.field_info.annotation, "__name__", str(p.field_info.annotation))
                if isinstance(p.field_info.annotation, type)
                else str(p.field_info.annotation)
                for p in dependant.query_params
            }
        if dependant is not None:
            model = body_model(dependant)
            if model is not None:
                row["request"] = model
        yield row


def main():
    out = {
        "mlflow_version": mlflow.__version__,
        "routes": [*fastapi_routes(), *flask_routes()],
        "messages": messages,
        "enums": enums,
    }
    with open(sys.argv[1], "w") as f:
        json.dump(out, f, indent=1, sort_keys=True)
        f.write("\n")
    print(mlflow.__version__, len(out["routes"]), "routes,", len(messages), "messages")


if __name__ == "__main__":
    main()
