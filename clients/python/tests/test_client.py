"""The client against a server of a few answers. Needs MLflow and the installed package, nothing else."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import os
import subprocess
import sys
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import mlflow.server
from mlflow.exceptions import RestException

import mlflow_auth_gateway_client
from mlflow_auth_gateway_client import AuthServiceClient, ExperimentPermission, RegisteredModelPermission, User
from mlflow_auth_gateway_client import _stock

ON_EXPERIMENT = {"experiment_id": "7", "user_id": 2, "permission": "EDIT"}
ON_MODEL = {"name": "churn", "user_id": 2, "permission": "READ"}
ALICE = {
    "id": 2,
    "username": "alice",
    "is_admin": False,
    "experiment_permissions": [ON_EXPERIMENT],
    "registered_model_permissions": [ON_MODEL],
}
BOB = {**ALICE, "id": 3, "username": "bob", "is_admin": True, "experiment_permissions": []}

API = "/api/2.0/mlflow"
ANSWERS = {
    f"GET {API}/users": {"users": [ALICE, BOB]},
    f"GET {API}/users/get": {"user": ALICE},
    f"POST {API}/users/create": {"user": ALICE},
    f"PATCH {API}/users/update-password": {},
    f"PATCH {API}/users/update-admin": {},
    f"DELETE {API}/users/delete": {},
    f"POST {API}/experiments/permissions/create": {"experiment_permission": ON_EXPERIMENT},
    f"GET {API}/experiments/permissions/get": {"experiment_permission": ON_EXPERIMENT},
    f"PATCH {API}/experiments/permissions/update": {},
    f"DELETE {API}/experiments/permissions/delete": {},
    f"POST {API}/registered-models/permissions/create": {"registered_model_permission": ON_MODEL},
    f"GET {API}/registered-models/permissions/get": {"registered_model_permission": ON_MODEL},
    f"PATCH {API}/registered-models/permissions/update": {},
    f"DELETE {API}/registered-models/permissions/delete": {},
    "GET /api/3.0/mlflow/roles/list": {
        "roles": [{"id": 1, "name": "analysts", "workspace": "default", "description": None, "permissions": []}]
    },
}
REFUSAL = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "User with username=zoe not found"}


class Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, str, object, str | None]] = []

    def _answer(self) -> None:
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        query = {key: values[0] for key, values in parse_qs(target.query).items()}
        carried = json.loads(body) if body else query
        self.asked.append((self.command, target.path, carried, self.headers.get("authorization")))
        refused = carried.get("username") == "zoe"
        answer = REFUSAL if refused else ANSWERS[f"{self.command} {target.path}"]
        text = json.dumps(answer).encode()
        self.send_response(404 if refused else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class ClientTest(unittest.TestCase):
    def setUp(self) -> None:
        Handler.asked = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.uri = f"http://127.0.0.1:{server.server_port}"
        signed_in = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": "secret"}
        environment = mock.patch.dict(os.environ, {**signed_in, "NO_PROXY": "127.0.0.1"})
        environment.start()
        self.addCleanup(environment.stop)
        self.client = mlflow.server.get_app_client("mlflow-auth", tracking_uri=f"{self.uri}/")

    def asked(self) -> list[tuple[str, str, object]]:
        return [request[:3] for request in Handler.asked]

    def test_get_app_client_gives_the_stock_client_and_more(self) -> None:
        self.assertIs(type(self.client), AuthServiceClient)
        stock = _stock.client.AuthServiceClient
        self.assertIsInstance(self.client, stock)
        for name, method in inspect.getmembers(stock, inspect.isfunction):
            with self.subTest(method=name):
                ours = inspect.signature(getattr(AuthServiceClient, name)).parameters
                theirs = inspect.signature(method).parameters
                self.assertEqual(list(ours)[: len(theirs)], list(theirs))

    def test_list_users_gives_users_with_their_permissions(self) -> None:
        alice, bob = self.client.list_users()
        self.assertIsInstance(alice, User)
        self.assertIsInstance(alice, _stock.entities.User)
        self.assertEqual((alice.id, alice.username, alice.is_admin), (2, "alice", False))
        self.assertEqual(
            [(p.experiment_id, p.user_id, p.permission) for p in alice.experiment_permissions], [("7", 2, "EDIT")]
        )
        self.assertEqual([(p.name, p.permission) for p in alice.registered_model_permissions], [("churn", "READ")])
        self.assertEqual((bob.is_admin, bob.experiment_permissions), (True, []))
        self.assertEqual(self.asked(), [("GET", f"{API}/users", {})])
        self.assertEqual(Handler.asked[0][3], "Basic YWRtaW46c2VjcmV0")

    def test_a_user_is_json_again(self) -> None:
        told = json.loads(json.dumps(self.client.list_users()[0].to_json()))
        self.assertEqual(told["experiment_permissions"], [ON_EXPERIMENT])
        self.assertLessEqual(ON_MODEL.items(), told["registered_model_permissions"][0].items())

    def test_created_and_fetched_users_tell_their_permissions(self) -> None:
        for user in (self.client.create_user("alice", "a password"), self.client.get_user("alice")):
            self.assertEqual(user.experiment_permissions[0].permission, "EDIT")
        self.assertEqual(
            self.asked(),
            [
                ("POST", f"{API}/users/create", {"username": "alice", "password": "a password"}),
                ("GET", f"{API}/users/get", {"username": "alice"}),
            ],
        )

    def test_a_server_that_tells_no_permissions_leaves_them_empty(self) -> None:
        user = User.from_json({"id": 1, "username": "a", "is_admin": True})
        self.assertEqual((user.experiment_permissions, user.registered_model_permissions), ([], []))

    def test_the_other_calls_for_users_are_the_stock_ones(self) -> None:
        self.client.update_user_admin("alice", True)
        self.client.delete_user("alice")
        self.assertEqual(
            self.asked(),
            [
                ("PATCH", f"{API}/users/update-admin", {"username": "alice", "is_admin": True}),
                ("DELETE", f"{API}/users/delete", {"username": "alice"}),
            ],
        )

    def test_the_current_password_goes_along_only_when_given(self) -> None:
        self.client.update_user_password("alice", "new")
        self.client.update_user_password("alice", "new", current_password="old")
        self.assertEqual(
            [carried for _, _, carried in self.asked()],
            [
                {"username": "alice", "password": "new"},
                {"username": "alice", "password": "new", "current_password": "old"},
            ],
        )

    def test_the_classic_permission_calls(self) -> None:
        for noun, resource, field, entity, told in (
            ("experiment", "experiments", {"experiment_id": "7"}, ExperimentPermission, ON_EXPERIMENT),
            ("registered_model", "registered-models", {"name": "churn"}, RegisteredModelPermission, ON_MODEL),
        ):
            on = {**field, "username": "alice"}
            path = f"{API}/{resource}/permissions"
            for verb, method, fields in (
                ("create", "POST", {**on, "permission": "READ"}),
                ("get", "GET", on),
                ("update", "PATCH", {**on, "permission": "EDIT"}),
                ("delete", "DELETE", on),
            ):
                with self.subTest(noun=noun, verb=verb):
                    Handler.asked.clear()
                    result = getattr(self.client, f"{verb}_{noun}_permission")(*fields.values())
                    self.assertEqual(self.asked(), [(method, f"{path}/{verb}", fields)])
                    if verb in ("create", "get"):
                        self.assertIsInstance(result, entity)
                        self.assertLessEqual(told.items(), result.to_json().items())
                    else:
                        self.assertIsNone(result)

    def test_a_refusal_is_mlflows_own_exception(self) -> None:
        with self.assertRaisesRegex(RestException, "username=zoe not found") as refused:
            self.client.get_user("zoe")
        self.assertEqual(refused.exception.error_code, "RESOURCE_DOES_NOT_EXIST")

    @unittest.skipUnless(hasattr(_stock.client.AuthServiceClient, "list_roles"), "this MLflow knows no roles")
    def test_roles_are_there_where_mlflow_has_them(self) -> None:
        (role,) = self.client.list_roles("default")
        self.assertEqual(role.name, "analysts")
        self.assertEqual(self.asked(), [("GET", "/api/3.0/mlflow/roles/list", {"workspace": "default"})])


class PackageTest(unittest.TestCase):
    def test_it_is_typed(self) -> None:
        self.assertTrue((Path(mlflow_auth_gateway_client.__file__).parent / "py.typed").is_file())

    def test_it_is_a_client_and_no_app(self) -> None:
        package = importlib.metadata.distribution("mlflow-auth-gateway-client")
        found = {(point.group, point.name) for point in package.entry_points}
        self.assertEqual(found, {("mlflow.app.client", "mlflow-auth")})

    def test_the_server_side_of_mlflows_app_is_not_needed(self) -> None:
        # A server's configuration that is not there, and no Flask-WTF: both end the import of the server side.
        script = """
import sys
sys.modules["flask_wtf"] = None
import mlflow.server
client = mlflow.server.get_app_client("mlflow-auth", tracking_uri="http://127.0.0.1:1")
print(type(client).__mro__[1].__module__, "mlflow.server.auth" in sys.modules)
try:
    import mlflow.server.auth
except Exception as error:
    print(type(error).__name__)
"""
        environment = {**os.environ, "MLFLOW_AUTH_CONFIG_PATH": "/nowhere/basic-auth.ini"}
        ran = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120
        )
        self.assertEqual(ran.returncode, 0, ran.stderr)
        module, server_imported, real_error = ran.stdout.split()
        self.assertEqual((module, server_imported), ("mlflow.server.auth.client", "False"))
        self.assertIn(real_error, ("KeyError", "ImportError"))


if __name__ == "__main__":
    unittest.main()
