"""What the functions keep on this machine: buckets, tables, a collection and queues, as the deployment makes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from face_validation_function.integrations.claims_table import EXPIRES_AT, KEY
from face_validation_function.integrations.faces_table import BY_EXPIRY, BY_FACE_ID, BY_NAME
from face_validation_function.integrations.jobs_on_aws import BY_TIME, CREATED_AT, KEYS
from face_validation_function.settings import INDEX_PREFIX

COLLECTION_ID = "face-validation"


def table_definition(
    keys: Sequence[str], kinds: Mapping[str, str], **indexes: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """A table as DynamoDB's CreateTable takes it; the deployment's has the same keys (partition key, sort key).

    `kinds` of the attributes that are keys: S or N. `indexes` are `GlobalSecondaryIndexes` or `LocalSecondaryIndexes`.
    """

    def schema(*names: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]

    return {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()],
        "KeySchema": schema(*keys),
        **{
            scope: [
                {"IndexName": name, "KeySchema": schema(*of), "Projection": {"ProjectionType": "ALL"}}
                for name, of in named.items()
            ]
            for scope, named in indexes.items()
        },
    }


FACES_DEFINITION = table_definition(
    ("full_name", "photo_id"),
    dict.fromkeys(("full_name", "photo_id", "face_id", "listing", "expiring", "expires_at"), "S"),
    GlobalSecondaryIndexes={
        BY_FACE_ID: ("face_id",),
        BY_NAME: ("listing", "full_name"),
        BY_EXPIRY: ("expiring", "expires_at"),
    },
)
JOBS_DEFINITION = table_definition(
    KEYS, {KEYS[0]: "S", KEYS[1]: "S", CREATED_AT: "N"}, LocalSecondaryIndexes={BY_TIME: (KEYS[0], CREATED_AT)}
)
CLAIMS_DEFINITION = table_definition((KEY,), {KEY: "S"})


def create_claims_table(dynamodb: Any, run: str) -> str:
    """Make the table of claims with a DynamoDB client; its name, which `run` keeps apart."""
    name = f"face-validation-claims-{run}"
    dynamodb.create_table(TableName=name, **CLAIMS_DEFINITION)
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES_AT})
    return name


@dataclass(frozen=True, slots=True)
class PeopleStores:
    """The names of everything that the people functions use."""

    faces_bucket: str
    faces_table: str
    collection_id: str
    dead_letter_queue_url: str
    events_queue_url: str

    @classmethod
    def create(cls, run: str, *, s3: Any, dynamodb: Any, sqs: Any, rekognition: Any) -> "PeopleStores":
        """Make them with the given clients, as the deployment does; `run` keeps their names apart."""
        events_url = sqs.create_queue(QueueName=f"face-validation-events-{run}")["QueueUrl"]
        letters_url = sqs.create_queue(QueueName=f"face-validation-dead-letters-{run}")["QueueUrl"]
        events = sqs.get_queue_attributes(QueueUrl=events_url, AttributeNames=["QueueArn"])["Attributes"]
        bucket, table = f"face-validation-faces-{run}", f"face-validation-faces-{run}"
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        created = {
            "QueueArn": events["QueueArn"],
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": INDEX_PREFIX}]}},
        }
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [created]}
        )
        dynamodb.create_table(TableName=table, **FACES_DEFINITION)
        if COLLECTION_ID not in rekognition.list_collections()["CollectionIds"]:
            rekognition.create_collection(CollectionId=COLLECTION_ID)
        return cls(bucket, table, COLLECTION_ID, letters_url, events_url)


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
        dynamodb.create_table(TableName=name, **JOBS_DEFINITION)
        return cls(name, name)
