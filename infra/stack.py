"""One stage of the service: storage, identity, functions, API, and what watches them."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from face_validation_function.contract.openapi import gateway_models
from face_validation_function.routes import JOB_ROUTES, PEOPLE_ROUTES, ROUTES, VALIDATION_ROUTES
from face_validation_function.settings import DOCUMENT_LABELS
from infra.constructs.api import ValidationApi
from infra.constructs.audit import AuditStore
from infra.constructs.function import ServiceFunction
from infra.constructs.identity import Identity
from infra.constructs.jobs import JobMachine, jobs_table
from infra.constructs.liveness import LivenessBrowsers
from infra.constructs.naming import camel
from infra.constructs.people import PeopleStores, enrol_uploads, erase_what_expires
from infra.constructs.probe import PROBE_CLIENT, ask_regularly
from infra.constructs.release import Releases
from infra.constructs.rights import Stores, grant
from infra.constructs.stage import Stage
from infra.constructs.storage import ImageStorage, table
from infra.monitoring.alarms import Alarms
from infra.monitoring.dashboard import Dashboard
from infra.monitoring.metrics import Metrics
from infra.options import Options

JOB_STEPS = ("JobSplit", "JobLines", "JobGather")


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
        stores = self._stores(stage)
        images, people = stores.images, stores.people
        identity = Identity(
            self,
            "Identity",
            stage=stage,
            scopes=[route.scope for route in ROUTES],
            clients=(*options.clients, PROBE_CLIENT) if options.probe else options.clients,
        )
        environment = _environment(options, stores)
        functions = {
            name: self._function(name, stage, stores, environment[name])
            for name in ("Validation", "People", "Indexing", "Jobs", *JOB_STEPS)
        }
        erase_what_expires(functions["People"])
        enrol_uploads(functions["Indexing"], images.faces, people.dead_letters)
        machine = JobMachine(self, "JobMachine", functions=functions, images=images, stage=stage).machine
        api = ValidationApi(
            self,
            "Api",
            routes=ROUTES,
            functions={
                route.operation: functions[name].called
                for name, routes in (("Validation", VALIDATION_ROUTES), ("People", PEOPLE_ROUTES), ("Jobs", JOB_ROUTES))
                for route in routes
            },
            models=gateway_models(),
            pool=identity.pool,
            stage=stage,
        )
        probe = self._probe(stage, stores, identity, api) if options.probe else None
        metrics = Metrics(self, "Metrics", api=api, functions=functions, people=people, machine=machine)
        alarms = Alarms(self, "Alarms", metrics=metrics, stage=stage, probe=probe)
        self._releases(options, alarms, functions)
        log_groups = [function.log_group for function in functions.values()]
        dashboard = Dashboard(self, "Dashboard", metrics=metrics, alarms=alarms.all, log_groups=log_groups)

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
            SourceBucket=images.source.bucket_name,
            TargetBucket=images.target.bucket_name,
            ClaimsTable=stores.claims.table_name,
            FacesBucket=images.faces.bucket_name,
            FacesTable=people.table.table_name,
            CollectionId=people.collection.ref,
            DeadLetterQueueUrl=people.dead_letters.queue_url,
            JobsBucket=images.jobs.bucket_name,
            JobsTable=stores.jobs.table_name,
            StateMachineArn=machine.state_machine_arn,
            DashboardName=dashboard.name,
            AlarmTopic=alarms.topic.topic_arn,
            **(stores.audit.outputs() if stores.audit else {}),
        )

    def _stores(self, stage: Stage) -> Stores:
        images = ImageStorage(self, "Storage", stage=stage)
        audit = stage.options.audit
        return Stores(
            images,
            claims=table(Construct(self, "Claims"), ["id"], stage=stage, expires_by="expiration"),
            people=PeopleStores(self, "PeopleStores", stage=stage),
            jobs=jobs_table(Construct(self, "JobStores"), stage=stage),
            audit=AuditStore(self, "Audit", stage=stage, access_logs=images.access_logs) if audit else None,
        )

    def _function(self, name: str, stage: Stage, stores: Stores, environment: Mapping[str, str]) -> ServiceFunction:
        function = ServiceFunction(self, name, stage=stage, environment=environment)
        grant(name, function, stores, stage)
        return function

    def _probe(self, stage: Stage, stores: Stores, identity: Identity, api: ValidationApi) -> ServiceFunction:
        environment = {
            "SOURCE_BUCKET": stores.images.source.bucket_name,
            "TARGET_BUCKET": stores.images.target.bucket_name,
            "USER_POOL_ID": identity.pool.user_pool_id,
            "API_URL": api.url,
            "TOKEN_URL": identity.token_url,
            "CLIENT_ID": identity.clients[PROBE_CLIENT.name].user_pool_client_id,
            "LOG_LEVEL": stage.options.log_level,
        }
        probe = self._function("Probe", stage, stores, environment)
        ask_regularly(probe, identity.pool, stage)
        return probe

    def _releases(self, options: Options, alarms: Alarms, functions: Mapping[str, ServiceFunction]) -> None:
        aliases = {name: function.alias for name, function in functions.items() if function.alias}
        if aliases:
            behind_the_api = [alarms["ServerErrors"], alarms["SlowAnswers"]]
            Releases(
                self,
                "Releases",
                kind=options.release,
                aliases=aliases,
                alarms=dict.fromkeys(aliases, behind_the_api)
                | {"Indexing": [alarms["DeadLetters"]]}
                # Not JobsFailed: it watches the state machine, which calls the aliases.
                | {name: [alarms["ClaimsInDoubt"]] for name in JOB_STEPS},
            )

    def _outputs(self, **values: str) -> None:
        for name, value in values.items():
            CfnOutput(self, name, value=value)


def _environment(options: Options, stores: Stores) -> dict[str, dict[str, str]]:
    """The variables of each function: those that its settings name."""
    images, people = stores.images, stores.people
    shared = {
        "SOURCE_BUCKET": images.source.bucket_name,
        "CLAIMS_TABLE": stores.claims.table_name,
        "LOG_LEVEL": options.log_level,
    }
    target = {"TARGET_BUCKET": images.target.bucket_name}
    of_validation = {
        "DOCUMENT_LABELS": ",".join(DOCUMENT_LABELS),
        "VALIDATION_TYPES": ",".join(options.validation_types),
        "THRESHOLD_LIVENESS": str(options.threshold_liveness),
        "LIVENESS_CHALLENGE": options.liveness_challenge,
        "LIVENESS_AUDIT_IMAGES": str(options.liveness_audit_images),
        "IDEMPOTENCY": str(options.idempotency).lower(),
        **(stores.audit.environment() if stores.audit else {"AUDIT_BUCKET": "", "AUDIT_KEY": ""}),
    }
    of_people = {
        "FACES_BUCKET": images.faces.bucket_name,
        "FACES_TABLE": people.table.table_name,
        "COLLECTION_ID": people.collection.ref,
        "DEAD_LETTER_QUEUE_URL": people.dead_letters.queue_url,
        "THRESHOLD_DUPLICATE": str(options.threshold_duplicate),
        "THRESHOLD_POSSIBLE_DUPLICATE": str(options.threshold_possible_duplicate),
        "PEOPLE_DAYS": str(options.people_days or 0),
    }
    of_jobs = {
        "JOBS_BUCKET": images.jobs.bucket_name,
        "JOBS_TABLE": stores.jobs.table_name,
        "JOBS_TPS": str(options.jobs_tps),
    }
    return {
        "Validation": shared | target | of_validation,
        **dict.fromkeys(("People", "Indexing"), shared | target | of_people),
        **dict.fromkeys(("Jobs", "JobSplit", "JobGather"), shared | of_jobs),
        "JobLines": shared | target | of_validation | of_people | of_jobs,
    }
