"""One stage of the service: storage, identity, functions, API, and what watches them."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from face_validation_function.contract.openapi import gateway_models
from face_validation_function.routes import JOB_ROUTES, PEOPLE_ROUTES, ROUTES, VALIDATION_ROUTES
from face_validation_function.settings import DOCUMENT_LABELS
from infra.constructs.api import ValidationApi
from infra.constructs.audit import AuditStore
from infra.constructs.claims import Claims
from infra.constructs.function import ServiceFunction, ValidationFunction
from infra.constructs.identity import Identity
from infra.constructs.jobs import JobFunctions, JobMachine, JobStores
from infra.constructs.liveness import LivenessBrowsers
from infra.constructs.naming import camel
from infra.constructs.people import IndexingFunction, PeopleFunction, PeopleStores
from infra.constructs.probe import PROBE_CLIENT, ProbeFunction
from infra.constructs.release import Releases
from infra.constructs.stage import Stage
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
        stage = Stage(self, options)
        storage = ImageStorage(self, "Storage", stage=stage)
        stores = PeopleStores(self, "PeopleStores", stage=stage)
        claims = Claims(self, "Claims", stage=stage)
        job_stores = JobStores(self, "JobStores", stage=stage, storage=storage, claims=claims)
        identity = Identity(
            self,
            "Identity",
            stage=stage,
            scopes=[route.scope for route in ROUTES],
            clients=(*options.clients, PROBE_CLIENT) if options.probe else options.clients,
        )
        audit = AuditStore(self, "Audit", stage=stage, access_logs=storage.access_logs) if options.audit else None
        functions = self._functions(stage, storage, stores, job_stores, audit)
        machine = JobMachine(self, "JobMachine", functions=functions.jobs, stores=job_stores, stage=stage).machine
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
            stage=stage,
        )
        probe = self._probe(stage, storage, identity, api) if options.probe else None
        dashboard, alarms = self._watch(stage, api, functions, stores, machine, probe)

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
        self, stage: Stage, storage: ImageStorage, stores: PeopleStores, jobs: JobStores, audit: AuditStore | None
    ) -> Functions:
        """The functions, each with the environment that its settings name."""
        options = stage.options
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
            stage=stage,
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
            "THRESHOLD_DUPLICATE": str(options.threshold_duplicate),
            "THRESHOLD_POSSIBLE_DUPLICATE": str(options.threshold_possible_duplicate),
            "PEOPLE_DAYS": str(options.people_days or 0),
        }
        people = PeopleFunction(
            self, "People", stage=stage, environment=people_environment, storage=storage, stores=stores
        )
        indexing = IndexingFunction(
            self, "Indexing", stage=stage, environment=people_environment, faces=storage.faces, stores=stores
        )
        jobs_environment = {
            **validation_environment,
            **people_environment,
            "JOBS_BUCKET": storage.jobs.bucket_name,
            "JOBS_TABLE": jobs.table.table_name,
            "JOBS_TPS": str(options.jobs_tps),
        }
        job_functions = JobFunctions.create(self, stage=stage, environment=jobs_environment, stores=jobs, people=stores)
        if audit:
            for function in (validation, job_functions.lines):
                audit.allow_writing(function)
        return Functions(validation, people, indexing, job_functions)

    def _watch(
        self,
        stage: Stage,
        api: ValidationApi,
        functions: Functions,
        stores: PeopleStores,
        machine: sfn.StateMachine,
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
        probed = FunctionMetrics(probe.function, "probe") if probe else None
        alarms = Alarms(self, "Alarms", metrics=metrics, stage=stage, probe=probed)
        self._releases(stage.options, alarms, functions.by_name)
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

    def _probe(self, stage: Stage, storage: ImageStorage, identity: Identity, api: ValidationApi) -> ProbeFunction:
        environment = {
            "API_URL": api.url,
            "TOKEN_URL": identity.token_url,
            "CLIENT_ID": identity.clients[PROBE_CLIENT.name].user_pool_client_id,
            "LOG_LEVEL": stage.options.log_level,
        }
        return ProbeFunction(self, "Probe", stage=stage, environment=environment, storage=storage, pool=identity.pool)

    def _outputs(self, **values: str) -> None:
        for name, value in values.items():
            CfnOutput(self, name, value=value)
