"""What a stage keeps: private buckets, tables that can be restored, a collection of faces, and dead letters."""

from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rekognition as rekognition
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.stage import Stage, accept, stack_suffix
from infra.options import INFREQUENT_ACCESS_DAYS

ACCESS_LOG_DAYS = 365
# Batches and results of jobs; the claims on their lines, too.
JOB_DAYS = 30
# A row that was removed can be restored for so long, and no longer.
RECOVERY_DAYS = 14
# The most that SQS keeps a letter.
LETTER_DAYS = 14

# Indexes of the table of faces: name -> (partition, sort).
FACES_INDEXES: dict[str, tuple[str, str | None]] = {
    "by_face_id": ("face_id", None),
    "by_name": ("listing", "full_name"),
    "by_expiry": ("expiring", "expires_at"),
}
# The index of the table of jobs: a client's, by time.
BY_TIME = "by_time"


class Stores:
    """Everything that a stage keeps: images, claims (what may be done once), people, jobs, and the audit trail.

    Four private buckets have the images, and a fifth one their access logs. The faces bucket keeps every version of a
    photo until somebody erases it: a face that was enrolled from a version can always be told apart from the next
    one's, and an erasure knows all that there is to remove. `audit` is a bucket whose objects nobody changes, and the
    key of the images' HMACs, with `-c audit=true`.
    """

    def __init__(self, stack: Stack, stage: Stage) -> None:
        self._stage, options = stage, stage.options
        images = Construct(stack, "Storage")
        self._access_logs = private_bucket(
            images,
            "AccessLogs",
            retain=stage.retain,
            # S3's log delivery cannot write to a bucket that a customer's key encrypts.
            key=None,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(ACCESS_LOG_DAYS))],
        )
        infrequent = s3.Transition(
            storage_class=s3.StorageClass.INFREQUENT_ACCESS, transition_after=Duration.days(INFREQUENT_ACCESS_DAYS)
        )
        self.source = self._image_bucket(images, "Source", days=options.source_days)
        self.target = self._image_bucket(
            images, "Target", s3.LifecycleRule(transitions=[infrequent]), days=options.target_days
        )
        self.faces = self._image_bucket(images, "Faces", versioned=True)
        # Manifests are callers' own and stay in the source bucket.
        self.jobs = self._image_bucket(images, "Jobs", days=JOB_DAYS)
        self.claims_table = self._table(Construct(stack, "Claims"), "id", expires_by="expiration")
        people = Construct(stack, "PeopleStores")
        self.faces_table = self._table(people, "full_name", "photo_id")
        for name, (partition, sort) in FACES_INDEXES.items():
            self.faces_table.add_global_secondary_index(
                index_name=name, partition_key=_text(partition), sort_key=_text(sort) if sort else None
            )
        # A stage that is made anew beside what an older one left takes another name.
        self.collection = rekognition.CfnCollection(
            people, "Collection", collection_id=f"{stack.stack_name}-{stack_suffix()}"
        )
        self.collection.apply_removal_policy(stage.removal_policy)
        self.dead_letters = self._dead_letters(people)
        self.jobs_table = self._table(Construct(stack, "JobStores"), "client", "job_id", expires_by="expiration")
        created = dynamodb.Attribute(name="created_at", type=dynamodb.AttributeType.NUMBER)
        self.jobs_table.add_local_secondary_index(index_name=BY_TIME, sort_key=created)
        self.audit = self._audit(Construct(stack, "Audit")) if options.audit else None

    def names(self) -> dict[str, str]:
        """Where everything is: by the names of the functions' settings."""
        return {
            "source_bucket": self.source.bucket_name,
            "target_bucket": self.target.bucket_name,
            "claims_table": self.claims_table.table_name,
            "faces_bucket": self.faces.bucket_name,
            "faces_table": self.faces_table.table_name,
            "collection_id": self.collection.ref,
            "dead_letter_queue_url": self.dead_letters.queue_url,
            "jobs_bucket": self.jobs.bucket_name,
            "jobs_table": self.jobs_table.table_name,
        }

    def _image_bucket(
        self, scope: Construct, id_: str, *more: s3.LifecycleRule, days: int | None = None, **settings: Any
    ) -> s3.Bucket:
        rules = [s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7)), *more]
        if days is not None:
            rules.append(s3.LifecycleRule(expiration=Duration.days(days)))
        return private_bucket(
            scope,
            id_,
            retain=self._stage.retain,
            key=self._stage.key,
            lifecycle_rules=rules,
            server_access_logs_bucket=self._access_logs,
            server_access_logs_prefix=f"{id_.lower()}/",
            **settings,
        )

    def _table(
        self, scope: Construct, partition: str, sort: str | None = None, *, expires_by: str | None = None
    ) -> dynamodb.Table:
        """A table paid by the request, encrypted and restorable.

        DynamoDB removes a row after the time in its attribute `expires_by` (seconds since 1970).
        """
        key, encryption = self._stage.key, dynamodb.TableEncryption
        return dynamodb.Table(
            scope,
            "Table",
            partition_key=_text(partition),
            sort_key=_text(sort) if sort else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=encryption.CUSTOMER_MANAGED if key else encryption.DEFAULT,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=RECOVERY_DAYS
            ),
            time_to_live_attribute=expires_by,
            deletion_protection=self._stage.retain,
            removal_policy=self._stage.removal_policy,
        )

    def _dead_letters(self, scope: Construct) -> sqs.Queue:
        """Photos that could not be enrolled."""
        key = self._stage.key
        queue = sqs.Queue(
            scope,
            "DeadLetters",
            encryption=sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=Duration.days(LETTER_DAYS),
            removal_policy=self._stage.removal_policy,
        )
        accept(
            queue,
            "This is a dead letter queue itself. Nothing consumes it but the operator whom its alarm calls, so that no "
            "letter can fail to be consumed.",
            "AwsSolutions-SQS3",
            "Serverless-SQSRedrivePolicy",
        )
        return queue

    def _audit(self, scope: Construct) -> tuple[s3.Bucket, kms.Key]:
        """Records under a lock in governance mode for `audit_days`, removed soon afterwards; and the HMACs' key.

        Both stay when the stage goes, in dev too: a trail that a `cdk destroy` ends is none, and CloudFormation cannot
        empty a bucket whose objects are locked.
        """
        days = Duration.days(self._stage.options.audit_days)
        bucket = private_bucket(
            scope,
            "Bucket",
            retain=True,
            key=self._stage.key,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.governance(days),
            lifecycle_rules=[
                # S3 marks an expired version as deleted, and removes it a day later, when no lock is on it.
                s3.LifecycleRule(expiration=days, noncurrent_version_expiration=Duration.days(1)),
                s3.LifecycleRule(expired_object_delete_marker=True),
            ],
            server_access_logs_bucket=self._access_logs,
            server_access_logs_prefix="audit/",
        )
        hmac_key = kms.Key(
            scope,
            "HmacKey",
            description="HMACs of the images that face validation compared.",
            key_spec=kms.KeySpec.HMAC_256,
            key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC,
            removal_policy=RemovalPolicy.RETAIN,
        )
        return bucket, hmac_key


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


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
