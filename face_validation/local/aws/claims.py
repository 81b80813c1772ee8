"""The table of claims on this machine."""

from typing import Any

from face_validation_function.integrations.claims_table import EXPIRES_AT, KEY


def claims_definition() -> dict[str, Any]:
    """The table as DynamoDB's CreateTable takes it; the deployment's has the same key."""
    return {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": KEY, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
    }


def create_claims_table(dynamodb: Any, run: str) -> str:
    """Make the table with a DynamoDB client, as the deployment does; its name, which `run` keeps apart."""
    name = f"face-validation-claims-{run}"
    dynamodb.create_table(TableName=name, **claims_definition())
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES_AT})
    return name
