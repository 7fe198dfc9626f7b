"""What ``mlflow.server.get_app_client("mlflow-auth")`` gives for an MLflow behind mlflow-auth-gateway."""

from mlflow_auth_gateway_client.client import AuthServiceClient
from mlflow_auth_gateway_client.entities import (
    ExperimentPermission,
    Invitation,
    InvitationWithLink,
    RegisteredModelPermission,
    Session,
    Token,
    TokenWithSecret,
    User,
)

__all__ = [
    "AuthServiceClient",
    "ExperimentPermission",
    "Invitation",
    "InvitationWithLink",
    "RegisteredModelPermission",
    "Session",
    "Token",
    "TokenWithSecret",
    "User",
]
