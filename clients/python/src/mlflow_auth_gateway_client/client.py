"""The client behind ``get_app_client("mlflow-auth")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow_auth_gateway_client import _stock
from mlflow_auth_gateway_client.entities import ExperimentPermission, RegisteredModelPermission, User

if TYPE_CHECKING:
    from mlflow.server.auth.client import AuthServiceClient as StockClient
else:
    StockClient = _stock.client.AuthServiceClient

_API = "/api/2.0/mlflow"


class AuthServiceClient(StockClient):
    """The auth client of the installed MLflow, whole, and what some versions of it lack.

    Every method raises ``mlflow.exceptions.RestException`` when the gateway refuses. Credentials are read
    from the environment or ``~/.mlflow/credentials``, as by everything of MLflow.

    Args:
        tracking_uri: Address of the gateway.
    """

    def list_users(self) -> list[User]:
        """Lists all users with their permissions. For admins only."""
        resp = self._request(f"{_API}/users", "GET")
        return [User.from_json(user) for user in resp["users"]]

    # MLflow 3.x answers these two with a user without permissions.

    def create_user(self, username: str, password: str) -> User:
        """Creates a user. For admins only."""
        resp = self._request(
            f"{_API}/users/create", "POST", json={"username": username, "password": password}
        )
        return User.from_json(resp["user"])

    def get_user(self, username: str) -> User:
        """Gets a user with its permissions. For admins and the user itself."""
        resp = self._request(f"{_API}/users/get", "GET", params={"username": username})
        return User.from_json(resp["user"])

    # MLflow 2.15 cannot name the current password, which the gateway wants of users who change their own.

    def update_user_password(
        self, username: str, password: str, current_password: str | None = None
    ) -> None:
        """Changes a password; ``current_password`` is needed by users who change their own."""
        body = {"username": username, "password": password}
        if current_password is not None:
            body["current_password"] = current_password
        self._request(f"{_API}/users/update-password", "PATCH", json=body)

    # The permissions API of MLflow 2.15 to 3.5, for a user on one experiment or registered model.
    # ``permission`` is READ, EDIT, MANAGE or NO_PERMISSIONS.

    def create_experiment_permission(
        self, experiment_id: str, username: str, permission: str
    ) -> ExperimentPermission:
        """Gives a user a permission on an experiment on which it has none of its own."""
        return ExperimentPermission.from_json(
            self._permission(
                "experiments/create", experiment_id=experiment_id, username=username, permission=permission
            )["experiment_permission"]
        )

    def get_experiment_permission(self, experiment_id: str, username: str) -> ExperimentPermission:
        """Gets what a user was given on an experiment."""
        return ExperimentPermission.from_json(
            self._permission("experiments/get", experiment_id=experiment_id, username=username)[
                "experiment_permission"
            ]
        )

    def update_experiment_permission(self, experiment_id: str, username: str, permission: str) -> None:
        """Changes what a user was given on an experiment."""
        self._permission(
            "experiments/update", experiment_id=experiment_id, username=username, permission=permission
        )

    def delete_experiment_permission(self, experiment_id: str, username: str) -> None:
        """Takes away what a user was given on an experiment."""
        self._permission("experiments/delete", experiment_id=experiment_id, username=username)

    def create_registered_model_permission(
        self, name: str, username: str, permission: str
    ) -> RegisteredModelPermission:
        """Gives a user a permission on a registered model on which it has none of its own."""
        return RegisteredModelPermission.from_json(
            self._permission("registered-models/create", name=name, username=username, permission=permission)[
                "registered_model_permission"
            ]
        )

    def get_registered_model_permission(self, name: str, username: str) -> RegisteredModelPermission:
        """Gets what a user was given on a registered model."""
        return RegisteredModelPermission.from_json(
            self._permission("registered-models/get", name=name, username=username)[
                "registered_model_permission"
            ]
        )

    def update_registered_model_permission(self, name: str, username: str, permission: str) -> None:
        """Changes what a user was given on a registered model."""
        self._permission("registered-models/update", name=name, username=username, permission=permission)

    def delete_registered_model_permission(self, name: str, username: str) -> None:
        """Takes away what a user was given on a registered model."""
        self._permission("registered-models/delete", name=name, username=username)

    def _permission(self, call: str, **fields: str) -> dict[str, Any]:
        resource, verb = call.split("/")
        method = {"create": "POST", "get": "GET", "update": "PATCH", "delete": "DELETE"}[verb]
        endpoint = f"{_API}/{resource}/permissions/{verb}"
        resp: dict[str, Any] = (
            self._request(endpoint, method, params=fields)
            if method == "GET"
            else self._request(endpoint, method, json=fields)
        )
        return resp
