"""Where a stage keeps what it stores: private buckets, and tables that can be restored."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.stage import Stage
from infra.options import INFREQUENT_ACCESS_DAYS

ACCESS_LOG_DAYS = 365
# Batches and results of jobs; the claims on their lines, too.
JOB_DAYS = 30
# A row that was removed can be restored for so long, and no longer.
RECOVERY_DAYS = 14


class ImageStorage(Construct):
    """Four private buckets, source, target, faces and jobs, and a fifth one that holds their access logs.

    The faces bucket keeps every version of a photo until somebody erases it: a face that was enrolled from a version
    can always be told apart from the next one's, and an erasure knows all that there is to remove.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_)
        self._stage = stage
        self.access_logs = private_bucket(
            self,
            "AccessLogs",
            retain=stage.retain,
            # S3's log delivery cannot write to a bucket that a customer's key encrypts.
            key=None,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(ACCESS_LOG_DAYS))],
        )
        self.source = self._image_bucket("Source", *_expiry(stage.options.source_days))
        self.target = self._image_bucket(
            "Target",
            s3.LifecycleRule(
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.INFREQUENT_ACCESS,
                        transition_after=Duration.days(INFREQUENT_ACCESS_DAYS),
                    )
                ]
            ),
            *_expiry(stage.options.target_days),
        )
        self.faces = self._image_bucket("Faces", versioned=True)
        # Manifests are callers' own and stay in the source bucket.
        self.jobs = self._image_bucket("Jobs", *_expiry(JOB_DAYS))

    def _image_bucket(self, id_: str, *rules: s3.LifecycleRule, versioned: bool | None = None) -> s3.Bucket:
        return private_bucket(
            self,
            id_,
            retain=self._stage.retain,
            key=self._stage.key,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7)), *rules],
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix=f"{id_.lower()}/",
            versioned=versioned,
        )


def private_bucket(scope: Construct, id_: str, *, retain: bool, key: kms.IKey | None, **settings: Any) -> s3.Bucket:
    """A private, encrypted bucket that takes TLS only, with more `settings` of CDK's; emptied unless `retain`."""
    return s3.Bucket(
        scope,
        id_,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=key,
        # One request to KMS for many objects.
        bucket_key_enabled=True if key else None,
        removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        auto_delete_objects=not retain,
        **settings,
    )


def table(scope: Construct, keys: Sequence[str], *, stage: Stage, expires_by: str | None = None) -> dynamodb.Table:
    """A table paid by the request, encrypted and restorable.

    `keys` are the partition key and, if there is one, the sort key; DynamoDB removes a row after the time in its
    attribute `expires_by` (seconds since 1970).
    """
    return dynamodb.Table(
        scope,
        "Table",
        partition_key=text_attribute(keys[0]),
        sort_key=text_attribute(keys[1]) if len(keys) > 1 else None,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if stage.key else dynamodb.TableEncryption.DEFAULT,
        encryption_key=stage.key,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True, recovery_period_in_days=RECOVERY_DAYS
        ),
        time_to_live_attribute=expires_by,
        deletion_protection=stage.retain,
        removal_policy=stage.removal_policy,
    )


def text_attribute(name: str) -> dynamodb.Attribute:
    """An attribute of keys and indexes that holds text."""
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _expiry(days: int | None) -> list[s3.LifecycleRule]:
    return [] if days is None else [s3.LifecycleRule(expiration=Duration.days(days))]
