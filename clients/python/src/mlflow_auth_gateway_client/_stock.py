"""The client and the entities of the auth app that the installed MLflow brings.

``mlflow.server.auth`` is the server side of that app. Importing it needs Flask-WTF from MLflow 2.21 on, which
only ``mlflow[auth]`` installs, and reads the server's configuration file. A client needs neither, and
``mlflow.server.auth.client`` and ``.entities`` use nothing of it; Python runs it all the same, because it is
their package.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_PACKAGE = "mlflow.server.auth"


def _import_stock() -> tuple[ModuleType, ModuleType]:
    try:
        return _import_both()
    except Exception:
        # Not ImportError alone: a configuration file meant for another server ends in a KeyError or worse.
        return _import_without_server()


def _import_both() -> tuple[ModuleType, ModuleType]:
    return importlib.import_module(f"{_PACKAGE}.client"), importlib.import_module(f"{_PACKAGE}.entities")


def _import_without_server() -> tuple[ModuleType, ModuleType]:
    """Imports the two modules with an empty package in place of the server's, and puts everything back."""
    before = {name: module for name, module in sys.modules.items() if _belongs(name)}
    for name in before:
        del sys.modules[name]
    parent = importlib.import_module("mlflow.server")
    stand_in = ModuleType(_PACKAGE)
    stand_in.__path__ = [str(Path(folder) / "auth") for folder in parent.__path__]
    sys.modules[_PACKAGE] = stand_in
    try:
        return _import_both()
    finally:
        # A later import of mlflow.server.auth gets the real one, or its real error.
        for name in [name for name in sys.modules if _belongs(name)]:
            del sys.modules[name]
        sys.modules.update(before)


def _belongs(name: str) -> bool:
    return name == _PACKAGE or name.startswith(f"{_PACKAGE}.")


client, entities = _import_stock()
