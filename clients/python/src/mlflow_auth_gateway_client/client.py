"""The client behind ``get_app_client("mlflow-auth")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow_auth_gateway_client import _stock
from mlflow_auth_gateway_client.entities import (
    AccessRequest,
    ExperimentPermission,
    Identity,
    Invitation,
    InvitationWithLink,
    OwnAccessRequest,
    RegisteredModelPermission,
    Session,
    SignIn,
    Token,
    TokenWithSecret,
    User,
)

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

    # Tokens, which MLflow's clients take in MLFLOW_TRACKING_TOKEN.

    def create_token(
        self,
        name: str,
        username: str | None = None,
        expires_in_seconds: int | None = None,
        scope: dict[str, Any] | None = None,
    ) -> TokenWithSecret:
        """Makes a token; for another user, an admin does. The secret is told this once.

        Args:
            name: What you will know it by.
            username: Whose it is to be; your own if left out.
            expires_in_seconds: How long it lives; as the server is set if left out.
            scope: The most that it may do: ``{"access": "read"}``,
                ``{"resources": [{"resource_type": "experiment", "resource_id": "7"}]}`` or both.
        """
        fields = {
            "name": name,
            "username": username,
            "expires_in_seconds": expires_in_seconds,
            "scope": scope,
        }
        resp = self._request(f"{_API}/users/tokens/create", "POST", json=fields)
        return TokenWithSecret(Token.from_json(resp["token"]), resp["secret"])

    def list_tokens(self, username: str | None = None) -> list[Token]:
        """Lists your tokens; for an admin those of a user, or of all."""
        fields = {} if username is None else {"username": username}
        tokens: list[Token] = []
        while True:
            resp = self._request(f"{_API}/users/tokens/list", "GET", params=fields)
            tokens.extend(Token.from_json(token) for token in resp["tokens"])
            if not resp.get("next_page_token"):
                return tokens
            fields = {**fields, "page_token": resp["next_page_token"]}

    def rotate_token(self, token_id: str) -> TokenWithSecret:
        """Gives a token another secret, which ends the one before at once."""
        resp = self._request(f"{_API}/users/tokens/rotate", "POST", json={"token_id": token_id})
        return TokenWithSecret(Token.from_json(resp["token"]), resp["secret"])

    def delete_token(self, token_id: str) -> None:
        """Deletes a token, which is refused from then on."""
        self._request(f"{_API}/users/tokens/delete", "DELETE", json={"token_id": token_id})

    # Single sign-on.

    def link_user(self, username: str, provider: str, subject: str) -> None:
        """Has a user sign in by a provider of single sign-on. For admins only.

        Args:
            username: The user.
            provider: The name of the provider in the settings of the gateway.
            subject: What the provider calls the user, as a refusal tells them.
        """
        self._link_to(username, provider, subject)

    def unlink_user(self, username: str, provider: str) -> None:
        """Has a user sign in by a provider of single sign-on no longer. For admins only."""
        self._link_to(username, provider, None)

    def list_identities(self, username: str) -> list[Identity]:
        """Lists what providers of single sign-on call a user. For admins and the user itself."""
        resp = self._request(f"{_API}/users/get", "GET", params={"username": username})
        return [Identity.from_json(identity) for identity in resp["user"].get("identities", [])]

    def _link_to(self, username: str, provider: str, subject: str | None) -> None:
        fields = {"username": username, "provider": provider, "subject": subject}
        self._request(f"{_API}/users/link", "PATCH", json=fields)

    # Sessions, by which browsers are signed in.

    def list_sessions(self, username: str | None = None) -> list[Session]:
        """Lists the browsers that you are signed in with; for an admin those of a user, or of all."""
        fields = {} if username is None else {"username": username}
        sessions: list[Session] = []
        while True:
            resp = self._request(f"{_API}/users/sessions/list", "GET", params=fields)
            sessions.extend(Session.from_json(session) for session in resp["sessions"])
            if not resp.get("next_page_token"):
                return sessions
            fields = {**fields, "page_token": resp["next_page_token"]}

    def delete_session(self, session_id: str) -> None:
        """Signs a browser out."""
        self._request(f"{_API}/users/sessions/delete", "DELETE", json={"session_id": session_id})

    # Links by which users choose a password, once.

    def invite_user(
        self,
        username: str,
        is_admin: bool = False,
        role_ids: list[int] | None = None,
        expires_in_seconds: int | None = None,
    ) -> InvitationWithLink:
        """Creates a user without a password, and a link by which they choose one. For admins only.

        Args:
            username: The name that they are to have.
            is_admin: Whether they are to be an admin.
            role_ids: The roles that they are to have.
            expires_in_seconds: How long the link counts; as the server is set if left out.
        """
        fields = {
            "username": username,
            "is_admin": is_admin,
            "role_ids": role_ids or [],
            "expires_in_seconds": expires_in_seconds,
        }
        return self._link("create", fields)

    def reset_password_by_link(
        self, username: str, expires_in_seconds: int | None = None
    ) -> InvitationWithLink:
        """Makes a link by which a user chooses another password; the one so far counts until then."""
        return self._link(
            "reset-password", {"username": username, "expires_in_seconds": expires_in_seconds}
        )

    def list_invitations(self, username: str | None = None) -> list[Invitation]:
        """Lists the links that are open, of a user or of all. For admins only."""
        fields = {} if username is None else {"username": username}
        invitations: list[Invitation] = []
        while True:
            resp = self._request(f"{_API}/users/invitations/list", "GET", params=fields)
            invitations.extend(Invitation.from_json(each) for each in resp["invitations"])
            if not resp.get("next_page_token"):
                return invitations
            fields = {**fields, "page_token": resp["next_page_token"]}

    def revoke_invitation(self, invitation_id: str) -> None:
        """Ends a link; a user who was invited stays, without a password."""
        self._request(
            f"{_API}/users/invitations/delete", "DELETE", json={"invitation_id": invitation_id}
        )

    def _link(self, verb: str, fields: dict[str, Any]) -> InvitationWithLink:
        resp = self._request(f"{_API}/users/invitations/{verb}", "POST", json=fields)
        return InvitationWithLink(Invitation.from_json(resp["invitation"]), resp["link"])

    def list_sign_ins(self, username: str | None = None, max_results: int = 100) -> list[SignIn]:
        """Lists the newest sign-ins, and attempts, by your name; for an admin by a user's."""
        fields = {"max_results": str(max_results), **({} if username is None else {"username": username})}
        resp = self._request(f"{_API}/users/sign-ins/list", "GET", params=fields)
        return [SignIn.from_json(each) for each in resp["sign_ins"]]

    def list_providers(self) -> list[dict[str, Any]]:
        """Lists the providers of single sign-on as they are set, without secrets. For admins only."""
        resp = self._request(f"{_API}/providers/list", "GET")
        return list(resp["providers"])

    # Sharing what you manage with a role that you have.

    def share_with_role(
        self, role_id: int, resource_type: str, resource_id: str, permission: str
    ) -> None:
        """Gives a role that you have READ, USE, EDIT or MANAGE on a thing that you manage."""
        fields = {
            "role_id": role_id,
            "resource_type": resource_type,
            "resource_id": resource_id,
            "permission": permission,
        }
        self._request(f"{_API}/permissions/grant-role", "POST", json=fields)

    def unshare_with_role(self, role_id: int, resource_type: str, resource_id: str) -> None:
        """Takes away what a role that you have was given on a thing that you manage."""
        fields = {"role_id": role_id, "resource_type": resource_type, "resource_id": resource_id}
        self._request(f"{_API}/permissions/revoke-role", "POST", json=fields)

    # Requests for access to an experiment or registered model.

    def request_access(
        self, resource_type: str, resource_id: str, permission: str, message: str | None = None
    ) -> OwnAccessRequest:
        """Asks whoever manages an experiment or registered model for access to it. Gives no right by itself.

        Args:
            resource_type: ``experiment`` or ``registered_model``.
            resource_id: Its id, or the name of a model. Whether there is such a thing is not told.
            permission: ``READ`` or ``EDIT``.
            message: What to say, in plain text of up to 1,000 characters.
        """
        fields = {
            "resource_type": resource_type,
            "resource_id": resource_id,
            "permission": permission,
            "message": message,
        }
        resp = self._request(f"{_API}/access-requests/create", "POST", json=fields)
        return OwnAccessRequest.from_json(resp["access_request"])

    def list_access_requests(self) -> list[AccessRequest]:
        """Lists the open requests for access that you may answer."""
        return [AccessRequest.from_json(each) for each in self._access_requests("list")]

    def list_own_access_requests(self) -> list[OwnAccessRequest]:
        """Lists what you have asked for access to, newest first."""
        return [OwnAccessRequest.from_json(each) for each in self._access_requests("list-own")]

    def answer_access_request(
        self, access_request_id: int, permission: str | None, message: str | None = None
    ) -> None:
        """Answers a request for access.

        Args:
            access_request_id: The request.
            permission: What is granted; None declines.
            message: What to say to it.
        """
        fields = {
            "access_request_id": access_request_id,
            "decision": "decline" if permission is None else "grant",
            "permission": permission,
            "message": message,
        }
        self._request(f"{_API}/access-requests/answer", "POST", json=fields)

    def withdraw_access_request(self, access_request_id: int) -> None:
        """Takes back a request of yours that has no answer yet."""
        fields = {"access_request_id": access_request_id}
        self._request(f"{_API}/access-requests/withdraw", "DELETE", json=fields)

    def _access_requests(self, which: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        fields: dict[str, str] = {}
        while True:
            resp = self._request(f"{_API}/access-requests/{which}", "GET", params=fields)
            found.extend(resp["access_requests"])
            if not resp.get("next_page_token"):
                return found
            fields = {"page_token": resp["next_page_token"]}

    # What would be refused, while permissions are only reported.

    def list_reported_refusals(self, username: str | None = None) -> list[dict[str, Any]]:
        """Lists what was let pass with ``enforcement = report`` and would be refused by what is granted now.

        Each tells ``username``, ``need``, ``requests``, ``last_at``, ``advice`` and more, see
        ``GET /auth/openapi.json``. For admins only.
        """
        fields = {} if username is None else {"username": username}
        refusals: list[dict[str, Any]] = []
        while True:
            resp = self._request(f"{_API}/permissions/report", "GET", params=fields)
            refusals.extend(resp["refusals"])
            if not resp.get("next_page_token"):
                return refusals
            fields = {**fields, "page_token": resp["next_page_token"]}

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
