"""The user pool of a stack: moto keeps the pools of all servers of a process together."""

from typing import Any

from face_validation.local.aws.moto_services import aws_client
from face_validation.local.stack_info import StackInfo


def user_pool_of(info: StackInfo) -> str:
    """The id of the pool that has the stack's client."""
    cognito = aws_client("cognito-idp", info.s3_endpoint)
    pools: list[str] = [pool["Id"] for pool in cognito.list_user_pools(MaxResults=60)["UserPools"]]
    (found,) = (pool for pool in pools if info.client_id in _clients(cognito, pool))
    return found


def _clients(cognito: Any, pool: str) -> set[str]:
    return {one["ClientId"] for one in cognito.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"]}
