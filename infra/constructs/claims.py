"""DynamoDB tables of the service, and the one of claims: what may be done once."""

from collections.abc import Sequence

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.stage import Stage

# What DynamoDB and SQS ask of whoever uses what a customer's key encrypts.
KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
# A row that was removed can be restored for so long, and no longer.
RECOVERY_DAYS = 14


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


class Claims(Construct):
    """The table of claims; its attributes have the names that Powertools' idempotency layer uses by default."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_)
        self.table = table(self, ["id"], stage=stage, expires_by="expiration")
        self._key = stage.key

    def allow_once(self, role: iam.Role) -> None:
        """Let a role claim and read claims; recording an outcome is another right."""
        actions = ["dynamodb:GetItem", "dynamodb:PutItem"]
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[self.table.table_arn]))
        if self._key:
            self._key.grant(role, *KEY_ACTIONS)
