"""The Cognito user pool of the local stack: its app clients and the scopes of its resource servers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

CLIENT_CREDENTIALS = "client_credentials"
TOKEN_VALIDITY_S = 3600


@dataclass(frozen=True, slots=True)
class AppClient:
    """An app client as Cognito describes it: what it may ask for, and how it proves who it is."""

    id: str
    secret: str
    flows: frozenset[str]
    scopes: frozenset[str]


class UserPool:
    """A pool behind any endpoint that speaks Cognito's own protocol (here moto's)."""

    def __init__(self, cognito: Any, pool_id: str) -> None:
        self._cognito, self.id = cognito, pool_id

    @classmethod
    def create(cls, cognito: Any, scopes: Iterable[str]) -> "UserPool":
        """Make a pool whose resource servers define `scopes`, each written `resource-server/scope`."""
        pool_id = cognito.create_user_pool(PoolName="face-validation-local")["UserPool"]["Id"]
        by_server: dict[str, set[str]] = {}
        for scope in scopes:
            server, _, name = scope.rpartition("/")
            by_server.setdefault(server, set()).add(name)
        for server, names in by_server.items():
            cognito.create_resource_server(
                UserPoolId=pool_id,
                Identifier=server,
                Name=server,
                Scopes=[{"ScopeName": name, "ScopeDescription": name} for name in sorted(names)],
            )
        return cls(cognito, pool_id)

    def add_client(
        self, name: str, scopes: Iterable[str], flows: Iterable[str] = (CLIENT_CREDENTIALS,), *, secret: bool = True
    ) -> AppClient:
        """Register an app client; Cognito chooses its id and secret."""
        made = self._cognito.create_user_pool_client(
            UserPoolId=self.id,
            ClientName=name,
            GenerateSecret=secret,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=list(flows),
            AllowedOAuthScopes=list(scopes),
            AccessTokenValidity=TOKEN_VALIDITY_S,
            TokenValidityUnits={"AccessToken": "seconds"},
        )
        return _app_client(made["UserPoolClient"])

    def client(self, client_id: str) -> AppClient | None:
        """The app client of that id; None when this pool has none."""
        try:
            found = self._cognito.describe_user_pool_client(UserPoolId=self.id, ClientId=client_id)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"ResourceNotFoundException", "InvalidParameterException"}:
                return None
            raise
        return _app_client(found["UserPoolClient"])


def _app_client(described: dict[str, Any]) -> AppClient:
    return AppClient(
        id=described["ClientId"],
        secret=described.get("ClientSecret", ""),
        flows=frozenset(described.get("AllowedOAuthFlows", ())),
        scopes=frozenset(described.get("AllowedOAuthScopes", ())),
    )
