"""Users with what they were given, the permissions of MLflow's classic API, tokens, sessions and invitations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, NamedTuple

from mlflow_auth_gateway_client import _stock

if TYPE_CHECKING:
    from mlflow.server.auth.entities import ExperimentPermission as ExperimentPermission
    from mlflow.server.auth.entities import RegisteredModelPermission as RegisteredModelPermission
    from mlflow.server.auth.entities import User as StockUser
else:
    ExperimentPermission = _stock.entities.ExperimentPermission
    RegisteredModelPermission = _stock.entities.RegisteredModelPermission
    StockUser = _stock.entities.User


class User(StockUser):
    """A user as MLflow 2.15 to 3.5 describe it, with its permissions; later versions left them out.

    It is a ``User`` of the installed MLflow too.
    """

    def __init__(
        self,
        id_: int,
        username: str,
        is_admin: bool,
        experiment_permissions: list[ExperimentPermission],
        registered_model_permissions: list[RegisteredModelPermission],
    ) -> None:
        super().__init__(id_, username, "REDACTED", is_admin)
        self._experiment_permissions = experiment_permissions
        self._registered_model_permissions = registered_model_permissions

    @property
    def experiment_permissions(self) -> list[ExperimentPermission]:
        """The user's own permissions on experiments, not those that it has by a role."""
        return self._experiment_permissions

    @property
    def registered_model_permissions(self) -> list[RegisteredModelPermission]:
        """The user's own permissions on registered models, not those that it has by a role."""
        return self._registered_model_permissions

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "username": self.username,
            "is_admin": self.is_admin,
            "experiment_permissions": [p.to_json() for p in self.experiment_permissions],
            "registered_model_permissions": [p.to_json() for p in self.registered_model_permissions],
        }

    @classmethod
    def from_json(cls, dictionary: Mapping[str, Any]) -> User:
        """Reads what the server sends; a stock MLflow 3.x sends no permissions, and the lists stay empty."""
        return cls(
            id_=dictionary["id"],
            username=dictionary["username"],
            is_admin=dictionary["is_admin"],
            experiment_permissions=[
                ExperimentPermission.from_json(p) for p in dictionary.get("experiment_permissions", [])
            ],
            registered_model_permissions=[
                RegisteredModelPermission.from_json(p)
                for p in dictionary.get("registered_model_permissions", [])
            ],
        )

    def __repr__(self) -> str:
        return f"<User: id={self.id}, username={self.username!r}, is_admin={self.is_admin}>"


class Token(NamedTuple):
    """A token by which a user signs in, without its secret. Times are milliseconds since the epoch."""

    token_id: str
    name: str
    username: str
    prefix: str
    """How the secret begins."""
    scope: dict[str, Any] | None
    """The most that it may do; None for all that its user may."""
    created_at: int
    expires_at: int | None
    """None for never."""
    last_used_at: int | None
    created_by: str | None

    @classmethod
    def from_json(cls, dictionary: Mapping[str, Any]) -> Token:
        """Reads what the server sends, and leaves what a later one may send besides."""
        return cls(**{field: dictionary[field] for field in cls._fields})


class Identity(NamedTuple):
    """What a provider of single sign-on calls a user."""

    issuer: str
    subject: str

    @classmethod
    def from_json(cls, dictionary: Mapping[str, Any]) -> Identity:
        """Reads what the server sends, and leaves what a later one may send besides."""
        return cls(**{field: dictionary[field] for field in cls._fields})


class Session(NamedTuple):
    """A browser that a user is signed in with. Times are milliseconds since the epoch."""

    session_id: str
    username: str
    created_at: int
    last_used_at: int
    expires_at: int
    """When it ends at the latest; sooner, if it is not used for a while."""
    ip: str | None
    user_agent: str | None
    is_current: bool
    """Whether it is the one that asks."""

    @classmethod
    def from_json(cls, dictionary: Mapping[str, Any]) -> Session:
        """Reads what the server sends, and leaves what a later one may send besides."""
        return cls(**{field: dictionary[field] for field in cls._fields})


class Invitation(NamedTuple):
    """A link by which a user chooses a password, once. Times are milliseconds since the epoch."""

    invitation_id: str
    username: str
    kind: str
    """``invitation`` or ``password_reset``."""
    created_at: int
    expires_at: int
    created_by: str

    @classmethod
    def from_json(cls, dictionary: Mapping[str, Any]) -> Invitation:
        """Reads what the server sends, and leaves what a later one may send besides."""
        return cls(**{field: dictionary[field] for field in cls._fields})


class InvitationWithLink(NamedTuple):
    """A link that was made just now: it is told this once."""

    invitation: Invitation
    link: str

    def __repr__(self) -> str:
        return f"InvitationWithLink(invitation={self.invitation!r}, link='***')"


class SignIn(NamedTuple):
    """A sign-in, or an attempt. Times are milliseconds since the epoch."""

    at: int
    ip: str | None
    credential: str | None
    """What it was by; None where it failed."""
    outcome: str
    """``signed_in``, ``refused`` or ``locked_out``."""

    @classmethod
    def from_json(cls, dictionary: Mapping[str, Any]) -> SignIn:
        """Reads what the server sends, and leaves what a later one may send besides."""
        return cls(**{field: dictionary[field] for field in cls._fields})


class AccessRequest(NamedTuple):
    """A request for access that you may answer. Times are milliseconds since the epoch."""

    access_request_id: int
    username: str
    resource_type: str
    resource_id: str
    resource_name: str
    """What MLflow calls it."""
    permission: str
    message: str
    created_at: int

    @classmethod
    def from_json(cls, dictionary: Mapping[str, Any]) -> AccessRequest:
        """Reads what the server sends, and leaves what a later one may send besides."""
        return cls(**{field: dictionary[field] for field in cls._fields})


class OwnAccessRequest(NamedTuple):
    """What you have asked for access to. Times are milliseconds since the epoch."""

    access_request_id: int
    workspace: str
    resource_type: str
    resource_id: str
    """As you have asked for it."""
    permission: str
    message: str
    created_at: int
    state: str
    """``open``, ``granted`` or ``declined``."""
    granted: str | None
    answer: str | None
    """What was said to it."""
    answered_at: int | None

    @classmethod
    def from_json(cls, dictionary: Mapping[str, Any]) -> OwnAccessRequest:
        """Reads what the server sends, and leaves what a later one may send besides."""
        return cls(**{field: dictionary[field] for field in cls._fields})


class TokenWithSecret(NamedTuple):
    """A token that was made or rotated just now: its secret is told this once."""

    token: Token
    secret: str

    def __repr__(self) -> str:
        return f"TokenWithSecret(token={self.token!r}, secret='***')"
