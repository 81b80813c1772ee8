"""The audit trail (`-c audit=true`): a bucket whose objects nobody changes, and the key of the images' HMACs."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.function import ServiceFunction
from infra.constructs.stage import Stage
from infra.constructs.storage import private_bucket


class AuditStore(Construct):
    """Records under a lock in governance mode for `audit_days`, removed soon afterwards.

    Both resources stay when the stage goes, in dev too: a trail that a `cdk destroy` ends is none, and CloudFormation
    cannot empty a bucket whose objects are locked.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, access_logs: s3.IBucket) -> None:
        super().__init__(scope, id_)
        days = Duration.days(stage.options.audit_days)
        self.bucket = private_bucket(
            self,
            "Bucket",
            retain=True,
            key=stage.key,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.governance(days),
            lifecycle_rules=[
                # S3 marks an expired version as deleted, and removes it a day later, when no lock is on it.
                s3.LifecycleRule(expiration=days, noncurrent_version_expiration=Duration.days(1)),
                s3.LifecycleRule(expired_object_delete_marker=True),
            ],
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix="audit/",
        )
        self.hmac_key = kms.Key(
            self,
            "HmacKey",
            description="HMACs of the images that face validation compared.",
            key_spec=kms.KeySpec.HMAC_256,
            key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self._key = stage.key

    def environment(self) -> dict[str, str]:
        """The variables by which a function finds the trail."""
        return {"AUDIT_BUCKET": self.bucket.bucket_name, "AUDIT_KEY": self.hmac_key.key_id}

    def outputs(self) -> dict[str, str]:
        """What an auditor needs to find the records and to show which image one is about."""
        return {"AuditBucket": self.bucket.bucket_name, "AuditHmacKey": self.hmac_key.key_arn}

    def allow_writing(self, function: ServiceFunction) -> None:
        """Let a function add records: not read, change or unlock them."""
        function.allow_objects(["s3:PutObject"], self.bucket)
        function.allow(["kms:GenerateMac"], self.hmac_key.key_arn)
        if self._key:
            self._key.grant(function.role, "kms:GenerateDataKey", "kms:Decrypt")
