"""The buckets: what callers upload to be compared, and who accessed it."""

from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.stage import Stage
from infra.options import INFREQUENT_ACCESS_DAYS

ACCESS_LOG_DAYS = 365
# Batches and results of jobs; the claims on their lines, too.
JOB_DAYS = 30


class ImageStorage(Construct):
    """Four private buckets, source, target, faces and jobs, and a fifth one that holds their access logs.

    The faces bucket keeps every version of a photo until somebody erases it: a face that was enrolled from a version
    can always be told apart from the next one's, and an erasure knows all that there is to remove.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
    ) -> None:
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


def _expiry(days: int | None) -> list[s3.LifecycleRule]:
    return [] if days is None else [s3.LifecycleRule(expiration=Duration.days(days))]
