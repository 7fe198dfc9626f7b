#!/usr/bin/env python
"""Print what MLflow's sources read that no message declares, as JSON.

    VENV/bin/python scripts/read_sources.py

    {"handlers": {"upload_artifact_handler": ["path", "run_id", "run_uuid"], ...},
     "keys":     {"mlflow.note.content": "utils/mlflow_tags.py", ...},
     "auth":     ["/mlflow/skills/...", ...]}

`handlers` are the parameters that handlers of mlflow/server/handlers.py look up by themselves, `keys` the constants
under `mlflow.` and the file of each, `auth` the paths that the auth app of MLflow names.
"""
import ast
import json
import pathlib
import re

import mlflow

ROOT = pathlib.Path(mlflow.__file__).parent
LOOK_UP = re.compile(r'(?:args|request_json|request\.json)\s*(?:\.get\(|\[)\s*"(\w+)"')
SCHEMA = re.compile(r'^\s*"(\w+)": \[_assert', re.M)
KEY = re.compile(r"mlflow\.[a-zA-Z][\w.-]*")
CONSTANTS = ["utils/mlflow_tags.py", "tracing/constant.py", "prompt/constants.py"]


def handlers():
    source = (ROOT / "server/handlers.py").read_text()
    found = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        text = ast.get_source_segment(source, node) or ""
        names = set(LOOK_UP.findall(text))
        if "_get_validated_flask_request_json" in text:
            names |= set(SCHEMA.findall(text))
        if names:
            found[node.name] = sorted(names)
    return found


def keys():
    found = {}
    for name in CONSTANTS:
        path = ROOT / name
        if not path.exists():
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
                found[node.value] = name
    return found


def auth():
    path = ROOT / "server/auth/routes.py"
    return sorted(set(re.findall(r'"(/mlflow/[^"]+)"', path.read_text()))) if path.exists() else []


print(json.dumps({"handlers": handlers(), "keys": keys(), "auth": auth()}, indent=1, sort_keys=True))
