"""One stage of the service: storage, identity, functions, API, and what watches them."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from face_validation_function.settings import DOCUMENT_LABELS
from infra.constructs.api import ValidationApi
from infra.constructs.events import ask_regularly, enrol_uploads, erase_what_expires
from infra.constructs.function import ServiceFunction, release
from infra.constructs.identity import Identity, add_liveness_browsers
from infra.constructs.jobs import add_job_machine
from infra.constructs.rights import grant
from infra.constructs.stage import Stage, camel
from infra.constructs.storage import Stores
from infra.monitoring.alarms import Alarms
from infra.monitoring.dashboard import Dashboard
from infra.monitoring.metrics import Metrics
from infra.options import PROBE_CLIENT, Options

# What each function reads of its environment: the fields of its settings.
_SHARED = ("source_bucket", "claims_table", "log_level")
_OF_VALIDATION = (
    *("document_labels", "validation_types", "threshold_liveness", "liveness_challenge", "liveness_audit_images"),
    *("idempotency", "audit_bucket", "audit_key"),
)
_OF_PEOPLE = (
    *("faces_bucket", "faces_table", "collection_id", "dead_letter_queue_url"),
    *("threshold_duplicate", "threshold_possible_duplicate", "people_days"),
)
_OF_JOBS = ("jobs_bucket", "jobs_table", "jobs_tps")
SETTINGS = {
    "Validation": (*_SHARED, "target_bucket", *_OF_VALIDATION),
    "People": (*_SHARED, "target_bucket", *_OF_PEOPLE),
    "Indexing": (*_SHARED, "target_bucket", *_OF_PEOPLE),
    "Jobs": (*_SHARED, *_OF_JOBS),
    "JobSplit": (*_SHARED, *_OF_JOBS),
    "JobLines": (*_SHARED, "target_bucket", *_OF_VALIDATION, *_OF_PEOPLE, *_OF_JOBS),
    "JobGather": (*_SHARED, *_OF_JOBS),
    "Probe": ("source_bucket", "target_bucket", "user_pool_id", "api_url", "token_url", "client_id", "log_level"),
}


class FaceValidationStack(Stack):
    """Everything that one stage needs; prod keeps its data when the stack goes, dev leaves nothing behind."""

    def __init__(self, scope: Construct, id_: str, options: Options) -> None:
        super().__init__(
            scope, id_, description=f"Face validation, stage {options.stage}.", termination_protection=options.is_prod
        )
        stage = Stage(self, options)
        stores = Stores(self, stage)
        identity = Identity(self, "Identity", stage=stage)
        functions = {name: self._function(name, stage, stores) for name in SETTINGS if name != "Probe"}
        erase_what_expires(functions["People"])
        enrol_uploads(functions["Indexing"], stores)
        machine = add_job_machine(Construct(self, "JobMachine"), functions, stores, stage)
        api = ValidationApi(self, "Api", functions=functions, pool=identity.pool, stage=stage)
        probe = self._probe(stage, stores, identity, api) if options.probe else None
        metrics = Metrics(self, "Metrics", api=api, functions=functions, letters=stores.dead_letters, machine=machine)
        alarms = Alarms(self, "Alarms", metrics=metrics, stage=stage, probe=probe)
        if options.release != "direct":
            release(Construct(self, "Releases"), options.release, functions, alarms.by_name)
        dashboard = Dashboard(self, "Dashboard", metrics=metrics, alarms=alarms, functions=functions)
        if options.liveness:
            browsers = add_liveness_browsers(Construct(self, "LivenessBrowsers"))
            self._outputs(LivenessIdentityPoolId=browsers.ref)
        # The client's secret is never an output: outputs are readable by whoever may describe the stack.
        self._outputs(
            ApiUrl=api.url,
            TokenUrl=identity.token_url,
            UserPoolId=identity.pool.user_pool_id,
            ClientId=identity.client.user_pool_client_id,
            **{f"ClientId{camel(name)}": client.user_pool_client_id for name, client in identity.clients.items()},
            **{camel(name): value for name, value in stores.names().items()},
            StateMachineArn=machine.state_machine_arn,
            DashboardName=dashboard.name,
            AlarmTopic=alarms.topic.topic_arn,
        )
        if stores.audit:
            # What an auditor needs to find the records and to show which image one is about.
            bucket, hmac_key = stores.audit
            self._outputs(AuditBucket=bucket.bucket_name, AuditHmacKey=hmac_key.key_arn)

    def _function(self, name: str, stage: Stage, stores: Stores, **more: str) -> ServiceFunction:
        """A function with its rights, and its settings from what the stage keeps, from the options and from `more`."""
        bucket, hmac_key = stores.audit or (None, None)
        known: dict[str, object] = {
            **stores.names(),
            **dict(stage.options),
            "document_labels": DOCUMENT_LABELS,
            "audit_bucket": bucket.bucket_name if bucket else "",
            "audit_key": hmac_key.key_id if hmac_key else "",
            **more,
        }
        environment = {setting.upper(): _variable(known[setting]) for setting in SETTINGS[name]}
        function = ServiceFunction(self, name, stage=stage, environment=environment)
        grant(name, function, stores, stage)
        return function

    def _probe(self, stage: Stage, stores: Stores, identity: Identity, api: ValidationApi) -> ServiceFunction:
        probe = self._function(
            "Probe",
            stage,
            stores,
            user_pool_id=identity.pool.user_pool_id,
            api_url=api.url,
            token_url=identity.token_url,
            client_id=identity.clients[PROBE_CLIENT.name].user_pool_client_id,
        )
        ask_regularly(probe, identity.pool, stage)
        return probe

    def _outputs(self, **values: str) -> None:
        for name, value in values.items():
            CfnOutput(self, name, value=value)


def _variable(value: object) -> str:
    """The text of a setting, as `face_validation_function.settings` reads it."""
    if value is None:
        return "0"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
