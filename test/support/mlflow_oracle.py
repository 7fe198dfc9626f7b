"""Answers how the MLflow that this Python has installed reads a request; test/support/oracle.ts asks.

Reads one JSON question per line from stdin, writes one JSON answer per line to stdout.

    {"ask": "body",  "message": "LogMetric", "method": "POST", "base64": .., "view": {..}}  -> null or what differs
    {"ask": "query", "message": "GetRun", "query": "run_id=..", "view": {..}}               -> null or what differs
    {"ask": "rewrite", "message": "LogMetric", "base64": ..}  -> {"body": ..}, as MLflow's client writes it, or null
    {"ask": "json",  "base64": .., "view": {..}}                                            -> null or what differs
    {"ask": "path",  "path": "1/a%2Fb"}                     -> {"path": "1/a/b"} or {"error": ".."}
    {"ask": "form",  "base64": .., "type": "multipart/form-data; .."} -> [[name, filename, base64], ..]

A view is the gateway's own reading; {"$int": "123"} and {"$float": "1e300"} stand for numbers beyond 2^53.
"""
import asyncio
import base64
import json
import math
import os
import posixpath
import sys
import warnings

warnings.simplefilter("ignore")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import flask  # noqa: E402
import mlflow.server.handlers as handlers  # noqa: E402
from google.protobuf import descriptor_pool, message_factory  # noqa: E402
from google.protobuf.descriptor import FieldDescriptor as FD  # noqa: E402
from google.protobuf.json_format import MessageToDict  # noqa: E402
from mlflow.utils.proto_json_utils import message_to_json, parse_dict  # noqa: E402
from mlflow.utils.uri import validate_path_is_safe  # noqa: E402

app = flask.Flask("oracle")


def revive(value):
    if isinstance(value, dict):
        if list(value) == ["$int"]:
            return int(value["$int"])
        if list(value) == ["$float"]:
            return float(value["$float"])
        return {k: revive(v) for k, v in value.items()}
    if isinstance(value, list):
        return [revive(v) for v in value]
    return value


def message_named(name):
    pool = descriptor_pool.Default()
    for full_name in ("mlflow." + name, name):
        try:
            return message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))()
        except KeyError:
            pass
    return None


def is_repeated(field):
    try:
        return field.is_repeated
    except AttributeError:
        return field.label == FD.LABEL_REPEATED


def same_number(a, b):
    a, b = float(a), float(b)
    return a == b or (math.isnan(a) and math.isnan(b))


def plain(value):
    """A JSON value as google.protobuf.Value keeps it: all numbers are doubles."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return ("number", float(value))
    return value


def differs_value(field, view, actual, path):
    if field.type == FD.TYPE_MESSAGE:
        name = field.message_type.full_name
        if name == "google.protobuf.Value":
            same = plain(view) == plain(MessageToDict(actual))
        elif name.startswith("google.protobuf."):
            return None
        else:
            return differs(view, actual, path)
    elif field.type == FD.TYPE_ENUM:
        known = field.enum_type.values_by_name.get(view)
        if known is None:
            return None
        same = known.number == actual
    elif field.type in (FD.TYPE_DOUBLE, FD.TYPE_FLOAT):
        same = field.type == FD.TYPE_FLOAT or same_number(view, actual)
    elif field.type == FD.TYPE_BYTES:
        same = base64.urlsafe_b64decode(view + "=" * (-len(view) % 4)) == actual
    elif field.type in (FD.TYPE_STRING, FD.TYPE_BOOL):
        same = type(view) is type(actual) and view == actual
    else:
        same = int(view) == actual
    return None if same else f"{path}: {view!r} is {actual!r} upstream"


def differs(view, message, path=""):
    """What the upstream's message holds that the view does not say, or the other way round."""
    for field in message.DESCRIPTOR.fields:
        where = f"{path}.{field.name}"
        actual = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            if dict(actual) != view.get(field.name, {}):
                return f"{where}: {view.get(field.name)!r} is {dict(actual)!r} upstream"
        elif is_repeated(field):
            expected = view.get(field.name, [])
            if len(expected) != len(actual):
                return f"{where}: {len(expected)} items are {len(actual)} upstream"
            for index, item in enumerate(expected):
                found = differs_value(field, item, actual[index], f"{where}[{index}]")
                if found:
                    return found
        elif field.name in view:
            enum = field.enum_type
            unknown_enum = enum is not None and view[field.name] not in enum.values_by_name
            if field.has_presence and not message.HasField(field.name) and not unknown_enum:
                return f"{where}: not set upstream"
            found = differs_value(field, view[field.name], actual, where)
            if found:
                return found
        elif message.HasField(field.name) if field.has_presence else actual != field.default_value:
            return f"{where}: set to {actual!r} upstream"
    return None


def read_request(question, message, **request):
    with app.test_request_context("/", method=question.get("method", "GET"), **request):
        handlers._get_request_message(message, flask_request=flask.request)
    return differs(revive(question["view"]), message)


async def parts_of(body, content_type):
    """As the handler of skill versions reads a form, see mlflow/server/skill_registry_api.py."""
    from starlette.requests import Request

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", content_type.encode("latin-1"))]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    async with request.form(max_files=2, max_fields=1) as form:
        found = []
        for name, value in form.multi_items():
            is_text = isinstance(value, str)
            content = value.encode() if is_text else await value.read()
            filename = None if is_text else value.filename
            found.append([name, filename, base64.b64encode(content).decode()])
        return found


def answer(question):
    ask = question["ask"]
    if ask == "form":
        return asyncio.run(parts_of(base64.b64decode(question["base64"]), question["type"]))
    if ask == "path":
        try:
            safe = validate_path_is_safe(question["path"])
        except Exception as e:
            return {"error": str(getattr(e, "message", e))}
        normal = posixpath.normpath(safe)
        return {"path": "" if normal == "." else normal}
    if ask == "json":
        with app.test_request_context("/", method="POST", data=base64.b64decode(question["base64"])):
            actual = flask.request.get_json(force=True, silent=True)
        view = revive(question["view"])
        return None if actual == view else f"{view!r} is {actual!r} upstream"
    message = message_named(question["message"])
    if message is None:
        return None
    if ask == "rewrite":
        parse_dict(json.loads(base64.b64decode(question["base64"])), message)
        return {"body": message_to_json(message)}
    if ask == "query":
        return read_request(question, message, query_string=question["query"])
    body = base64.b64decode(question["base64"])
    return read_request(question, message, data=body, content_type="application/json")


for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as e:
        result = f"{type(e).__name__}: {e}"
    sys.stdout.write(json.dumps(result) + "\n")
