"""One stage of the service: storage, identity, functions, API, and what watches them."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from face_validation_function.contract.openapi import gateway_models
from face_validation_function.routes import JOB_ROUTES, PEOPLE_ROUTES, ROUTES, VALIDATION_ROUTES
from face_validation_function.settings import DOCUMENT_LABELS
from infra.constructs.api import ValidationApi
from infra.constructs.audit import AuditStore
from infra.constructs.claims import Claims
from infra.constructs.function import Build, ServiceFunction, ValidationFunction
from infra.constructs.identity import Identity
from infra.constructs.jobs import JobFunctions, JobMachine, JobStores
from infra.constructs.liveness import LivenessBrowsers
from infra.constructs.naming import camel
from infra.constructs.people import IndexingFunction, PeopleFunction, PeopleStores
from infra.constructs.probe import PROBE_CLIENT, ProbeFunction
from infra.constructs.release import Releases
from infra.constructs.storage import ImageStorage
from infra.monitoring.alarms import Alarms
from infra.monitoring.dashboard import Dashboard
from infra.monitoring.metrics import FunctionMetrics, Metrics
from infra.options import Options

# What Powertools' idempotency layer does with a claim, beyond making and reading it.
REPLAY_ACTIONS = ("dynamodb:DeleteItem", "dynamodb:UpdateItem")


@dataclass(frozen=True, slots=True)
class Functions:
    """The Lambda functions of a stage."""

    validation: ValidationFunction
    people: PeopleFunction
    indexing: IndexingFunction
    jobs: JobFunctions

    @property
    def by_name(self) -> dict[str, ServiceFunction]:
        """Each under the name that its alarms and releases have."""
        jobs = self.jobs
        return {
            "Validation": self.validation,
            "People": self.people,
            "Indexing": self.indexing,
            "Jobs": jobs.routes,
            "JobSplit": jobs.split,
            "JobLines": jobs.lines,
            "JobGather": jobs.gather,
        }


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

        storage = ImageStorage(
            self,
            "Storage",
            retain=retain,
            key=key,
            source_days=options.source_days,
            target_days=options.target_days,
        )
        stores = PeopleStores(self, "PeopleStores", retain=retain, key=key)
        claims = Claims(self, "Claims", retain=retain, key=key)
        job_stores = JobStores(self, "JobStores", retain=retain, key=key, storage=storage, claims=claims)
        identity = Identity(
            self,
            "Identity",
            stage=options.stage,
            scopes=[route.scope for route in ROUTES],
            clients=(*options.clients, PROBE_CLIENT) if options.probe else options.clients,
            retain=retain,
        )
        build = Build(
            arch=options.arch,
            log_retention=log_retention,
            retain=retain,
            key=key,
            reserved_concurrency=options.reserved_concurrency,
            with_alias=options.release != "direct",
            provisioned_concurrency=options.provisioned_concurrency,
        )
        audit = (
            AuditStore(self, "Audit", days=options.audit_days, key=key, access_logs=storage.access_logs)
            if options.audit
            else None
        )
        functions = self._functions(options, build, storage, stores, job_stores, audit)
        machine = JobMachine(
            self,
            "JobMachine",
            functions=functions.jobs,
            stores=job_stores,
            build=build,
            webhook=options.jobs_webhook,
        ).machine
        api = ValidationApi(
            self,
            "Api",
            routes=ROUTES,
            functions={
                **{route.operation: functions.validation.called for route in VALIDATION_ROUTES},
                **{route.operation: functions.people.called for route in PEOPLE_ROUTES},
                **{route.operation: functions.jobs.routes.called for route in JOB_ROUTES},
            },
            models=gateway_models(),
            pool=identity.pool,
            options=options,
            log_retention=log_retention,
            key=key,
        )
        probe = (
            ProbeFunction(
                self,
                "Probe",
                build=build,
                environment={
                    "API_URL": api.url,
                    "TOKEN_URL": identity.token_url,
                    "CLIENT_ID": identity.clients[PROBE_CLIENT.name].user_pool_client_id,
                    "LOG_LEVEL": options.log_level,
                },
                storage=storage,
                pool=identity.pool,
            )
            if options.probe
            else None
        )
        dashboard, alarms = self._watch(options, api, functions, stores, machine, key, probe)

        if options.liveness:
            browsers = LivenessBrowsers(self, "LivenessBrowsers")
            self._outputs(LivenessIdentityPoolId=browsers.pool.ref)
        # The client's secret is never an output: outputs are readable by whoever may describe the stack.
        self._outputs(
            ApiUrl=api.url,
            TokenUrl=identity.token_url,
            UserPoolId=identity.pool.user_pool_id,
            ClientId=identity.client.user_pool_client_id,
            **{f"ClientId{camel(name)}": client.user_pool_client_id for name, client in identity.clients.items()},
            SourceBucket=storage.source.bucket_name,
            TargetBucket=storage.target.bucket_name,
            ClaimsTable=claims.table.table_name,
            FacesBucket=storage.faces.bucket_name,
            FacesTable=stores.table.table_name,
            CollectionId=stores.collection.ref,
            DeadLetterQueueUrl=stores.dead_letters.queue_url,
            JobsBucket=storage.jobs.bucket_name,
            JobsTable=job_stores.table.table_name,
            StateMachineArn=machine.state_machine_arn,
            DashboardName=dashboard.name,
            AlarmTopic=alarms.topic.topic_arn,
            **(audit.outputs() if audit else {}),
        )

    def _functions(
        self,
        options: Options,
        build: Build,
        storage: ImageStorage,
        stores: PeopleStores,
        jobs: JobStores,
        audit: AuditStore | None,
    ) -> Functions:
        """The functions, each with the environment that its settings name."""
        shared = {
            "SOURCE_BUCKET": storage.source.bucket_name,
            "TARGET_BUCKET": storage.target.bucket_name,
            "CLAIMS_TABLE": jobs.claims.table.table_name,
            "LOG_LEVEL": options.log_level,
        }
        validation_environment = {
            **shared,
            "DOCUMENT_LABELS": ",".join(DOCUMENT_LABELS),
            "VALIDATION_TYPES": ",".join(options.validation_types),
            "THRESHOLD_LIVENESS": str(options.threshold_liveness),
            "LIVENESS_CHALLENGE": options.liveness_challenge,
            "LIVENESS_AUDIT_IMAGES": str(options.liveness_audit_images),
            "IDEMPOTENCY": str(options.idempotency).lower(),
            **(audit.environment() if audit else {"AUDIT_BUCKET": "", "AUDIT_KEY": ""}),
        }
        validation = ValidationFunction(
            self,
            "Validation",
            build=build,
            environment=validation_environment,
            source=storage.source,
            target=storage.target,
            claims=jobs.claims,
        )
        if options.idempotency:
            validation.allow(REPLAY_ACTIONS, jobs.claims.table.table_arn)
        people_environment = {
            **shared,
            "FACES_BUCKET": storage.faces.bucket_name,
            "FACES_TABLE": stores.table.table_name,
            "COLLECTION_ID": stores.collection.ref,
            "DEAD_LETTER_QUEUE_URL": stores.dead_letters.queue_url,
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
        jobs_environment = {
            **validation_environment,
            **people_environment,
            "JOBS_BUCKET": storage.jobs.bucket_name,
            "JOBS_TABLE": jobs.table.table_name,
            "JOBS_TPS": str(options.jobs_tps),
        }
        job_functions = JobFunctions.create(self, build=build, environment=jobs_environment, stores=jobs, people=stores)
        if audit:
            for function in (validation, job_functions.lines):
                audit.allow_writing(function)
        return Functions(validation, people, indexing, job_functions)

    def _watch(
        self,
        options: Options,
        api: ValidationApi,
        functions: Functions,
        stores: PeopleStores,
        machine: sfn.StateMachine,
        key: kms.Key | None,
        probe: ProbeFunction | None,
    ) -> tuple[Dashboard, Alarms]:
        """What is measured, what raises an alarm, how a release is watched, and the dashboard."""
        metrics = Metrics(
            self,
            "Metrics",
            rest_api=api.rest_api,
            access_log=api.access_log,
            validation=functions.validation.function,
            people=functions.people.function,
            indexing=functions.indexing.function,
            dead_letters=stores.dead_letters,
            job_lines=functions.jobs.lines.function,
            job_gather=functions.jobs.gather.function,
            job_machine=machine,
        )
        alarms = Alarms(
            self,
            "Alarms",
            metrics=metrics,
            email=options.alarm_email,
            key=key,
            rekognition_tps=options.rekognition_tps,
            probe=FunctionMetrics(probe.function, "probe") if probe else None,
        )
        self._releases(options, alarms, functions.by_name)
        dashboard = Dashboard(
            self,
            "Dashboard",
            metrics=metrics,
            alarms=alarms.all,
            log_groups=[function.log_group for function in functions.by_name.values()],
        )
        return dashboard, alarms

    def _releases(self, options: Options, alarms: Alarms, functions: Mapping[str, ServiceFunction]) -> None:
        aliases = {name: function.alias for name, function in functions.items() if function.alias}
        if aliases:
            behind_the_api = [alarms.server_errors, alarms.slow_answers]
            Releases(
                self,
                "Releases",
                kind=options.release,
                aliases=aliases,
                alarms=dict.fromkeys(aliases, behind_the_api)
                | {"Indexing": [alarms.dead_letters]}
                # Not JobsFailed: it watches the state machine, which calls the aliases.
                | {name: [alarms.claims_in_doubt] for name in ("JobSplit", "JobLines", "JobGather")},
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
