"""One stage of the service: storage, identity, functions, API, and what watches them."""

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from face_validation_function.contract.openapi import gateway_models
from face_validation_function.routes import PEOPLE_ROUTES, ROUTES, VALIDATION_ROUTES
from face_validation_function.settings import DOCUMENT_LABELS
from infra.constructs.api import ValidationApi
from infra.constructs.function import Build, ValidationFunction
from infra.constructs.identity import Identity
from infra.constructs.people import IndexingFunction, PeopleFunction, PeopleStores
from infra.constructs.storage import ImageStorage
from infra.monitoring.alarms import Alarms
from infra.monitoring.dashboard import Dashboard
from infra.monitoring.metrics import Metrics
from infra.options import Options


class FaceValidationStack(Stack):
    """Everything that one stage needs; prod keeps its data when the stack goes, dev leaves nothing behind."""

    def __init__(self, scope: Construct, id_: str, options: Options) -> None:
        super().__init__(
            scope,
            id_,
            description=f"Face validation, stage {options.stage}.",
            termination_protection=options.is_prod,
        )
        retain = options.is_prod
        log_retention = logs.RetentionDays.ONE_YEAR if options.is_prod else logs.RetentionDays.ONE_MONTH
        key = self._key(retain) if options.kms else None

        storage = ImageStorage(self, "Storage", retain=retain, key=key)
        stores = PeopleStores(self, "PeopleStores", retain=retain, key=key)
        identity = Identity(
            self, "Identity", stage=options.stage, scopes=[route.scope for route in ROUTES], retain=retain
        )
        build = Build(
            arch=options.arch,
            log_retention=log_retention,
            retain=retain,
            key=key,
            reserved_concurrency=options.reserved_concurrency,
        )
        images = {"SOURCE_BUCKET": storage.source.bucket_name, "TARGET_BUCKET": storage.target.bucket_name}
        validation = ValidationFunction(
            self,
            "Validation",
            build=build,
            environment={
                **images,
                "LOG_LEVEL": options.log_level,
                "DOCUMENT_LABELS": ",".join(DOCUMENT_LABELS),
                "VALIDATION_TYPES": ",".join(options.validation_types),
            },
            source=storage.source,
            target=storage.target,
        )
        people_environment = {
            **images,
            "FACES_BUCKET": storage.faces.bucket_name,
            "FACES_TABLE": stores.table.table_name,
            "COLLECTION_ID": stores.collection.ref,
            "DEAD_LETTER_QUEUE_URL": stores.dead_letters.queue_url,
            "LOG_LEVEL": options.log_level,
        }
        people = PeopleFunction(
            self,
            "People",
            build=build,
            environment=people_environment,
            storage=storage,
            stores=stores,
        )
        indexing = IndexingFunction(
            self,
            "Indexing",
            build=build,
            environment=people_environment,
            faces=storage.faces,
            stores=stores,
        )
        api = ValidationApi(
            self,
            "Api",
            routes=ROUTES,
            functions={
                **{route.operation: validation.function for route in VALIDATION_ROUTES},
                **{route.operation: people.function for route in PEOPLE_ROUTES},
            },
            models=gateway_models(),
            pool=identity.pool,
            options=options,
            log_retention=log_retention,
            key=key,
        )
        metrics = Metrics(
            self,
            "Metrics",
            rest_api=api.rest_api,
            access_log=api.access_log,
            validation=validation.function,
            people=people.function,
            indexing=indexing.function,
            dead_letters=stores.dead_letters,
        )
        alarms = Alarms(self, "Alarms", metrics=metrics, email=options.alarm_email, key=key)
        dashboard = Dashboard(self, "Dashboard", metrics=metrics, alarms=alarms.all)

        # The client's secret is never an output: outputs are readable by whoever may describe the stack.
        self._outputs(
            ApiUrl=api.url,
            TokenUrl=identity.token_url,
            UserPoolId=identity.pool.user_pool_id,
            ClientId=identity.client.user_pool_client_id,
            SourceBucket=storage.source.bucket_name,
            TargetBucket=storage.target.bucket_name,
            FacesBucket=storage.faces.bucket_name,
            FacesTable=stores.table.table_name,
            CollectionId=stores.collection.ref,
            DeadLetterQueueUrl=stores.dead_letters.queue_url,
            DashboardName=dashboard.name,
            AlarmTopic=alarms.topic.topic_arn,
        )

    def _key(self, retain: bool) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description="Images, faces, logs and alarms of face validation.",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )
        log_groups = f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:*"
        for service, only in (
            (f"logs.{self.region}.amazonaws.com", {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}}),
            # Alarms publish to an encrypted topic only when the key lets them.
            ("cloudwatch.amazonaws.com", {"StringEquals": {"aws:SourceAccount": self.account}}),
        ):
            key.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(service)],
                    actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                    resources=["*"],
                    conditions=only,
                )
            )
        return key

    def _outputs(self, **values: str) -> None:
        for name, value in values.items():
            CfnOutput(self, name, value=value)
