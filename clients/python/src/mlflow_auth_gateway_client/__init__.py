"""What ``mlflow.server.get_app_client("mlflow-auth")`` gives for an MLflow behind mlflow-auth-gateway."""

from mlflow_auth_gateway_client.client import AuthServiceClient
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

__all__ = [
    "AccessRequest",
    "AuthServiceClient",
    "ExperimentPermission",
    "Identity",
    "Invitation",
    "InvitationWithLink",
    "OwnAccessRequest",
    "RegisteredModelPermission",
    "Session",
    "SignIn",
    "Token",
    "TokenWithSecret",
    "User",
]
