"""The buckets: what callers upload to be compared, and who accessed it."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.options import INFREQUENT_ACCESS_DAYS

ACCESS_LOG_DAYS = 365
# Batches and results of jobs; the claims on their lines, too.
JOB_DAYS = 30


class ImageStorage(Construct):
    """Four private buckets, source, target, faces and jobs, and a fifth one that holds their access logs.

    The faces bucket keeps every version of a photo until somebody erases it: a face that was enrolled from a version
    can always be told apart from the next one's, and an erasure knows all that there is to remove.

    Args:
        source_days, target_days: after how many days an image in that bucket is removed; None keeps it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        retain: bool,
        key: kms.IKey | None,
        source_days: int | None,
        target_days: int | None,
    ) -> None:
        super().__init__(scope, id_)
        self._retain = retain
        self._key = key
        self._access_logs = self._bucket(
            "AccessLogs",
            # S3's log delivery cannot write to a bucket that a customer's key encrypts.
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(ACCESS_LOG_DAYS))],
        )
        self.source = self._image_bucket("Source", *_expiry(source_days))
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
            *_expiry(target_days),
        )
        self.faces = self._image_bucket("Faces", versioned=True)
        # Manifests are callers' own and stay in the source bucket.
        self.jobs = self._image_bucket("Jobs", *_expiry(JOB_DAYS))

    def _image_bucket(self, id_: str, *rules: s3.LifecycleRule, versioned: bool | None = None) -> s3.Bucket:
        return self._bucket(
            id_,
            encryption=s3.BucketEncryption.KMS if self._key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self._key,
            # One request to KMS for many objects.
            bucket_key_enabled=True if self._key else None,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7)), *rules],
            server_access_logs_bucket=self._access_logs,
            server_access_logs_prefix=f"{id_.lower()}/",
            versioned=versioned,
        )

    def _bucket(
        self,
        id_: str,
        *,
        encryption: s3.BucketEncryption,
        lifecycle_rules: list[s3.LifecycleRule],
        encryption_key: kms.IKey | None = None,
        bucket_key_enabled: bool | None = None,
        server_access_logs_bucket: s3.Bucket | None = None,
        server_access_logs_prefix: str | None = None,
        versioned: bool | None = None,
    ) -> s3.Bucket:
        return s3.Bucket(
            self,
            id_,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            encryption=encryption,
            encryption_key=encryption_key,
            bucket_key_enabled=bucket_key_enabled,
            lifecycle_rules=lifecycle_rules,
            server_access_logs_bucket=server_access_logs_bucket,
            server_access_logs_prefix=server_access_logs_prefix,
            versioned=versioned,
            removal_policy=RemovalPolicy.RETAIN if self._retain else RemovalPolicy.DESTROY,
            auto_delete_objects=not self._retain,
        )


def _expiry(days: int | None) -> list[s3.LifecycleRule]:
    return [] if days is None else [s3.LifecycleRule(expiration=Duration.days(days))]
