"""Where bulk jobs are kept on this machine: their bucket and their table."""

from dataclasses import dataclass
from typing import Any

from face_validation.local.aws.step_functions import STATE_MACHINE_ARN
from face_validation_function.integrations.jobs_table import BY_TIME, CREATED_AT, KEYS


@dataclass(frozen=True, slots=True)
class JobStores:
    """The names of what the functions about jobs use."""

    jobs_bucket: str
    jobs_table: str

    @classmethod
    def create(cls, run: str, *, s3: Any, dynamodb: Any) -> "JobStores":
        """Make them with the given clients, as the deployment does; `run` keeps their names apart."""
        name = f"face-validation-jobs-{run}"
        s3.create_bucket(Bucket=name)
        dynamodb.create_table(TableName=name, **table_definition())
        return cls(name, name)

    def settings(self) -> dict[str, str]:
        """The variables that the functions about jobs have beside the others; the pace has no limit here."""
        return {
            "JOBS_BUCKET": self.jobs_bucket,
            "JOBS_TABLE": self.jobs_table,
            "STATE_MACHINE_ARN": STATE_MACHINE_ARN,
            "JOBS_TPS": "0",
        }


def table_definition() -> dict[str, Any]:
    """The table of jobs as DynamoDB's CreateTable takes it; the deployment's has the same keys."""

    def keys(*names: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=True)]

    kinds = {KEYS[0]: "S", KEYS[1]: "S", CREATED_AT: "N"}
    return {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()],
        "KeySchema": keys(*KEYS),
        "LocalSecondaryIndexes": [
            {"IndexName": BY_TIME, "KeySchema": keys(KEYS[0], CREATED_AT), "Projection": {"ProjectionType": "ALL"}}
        ],
    }
