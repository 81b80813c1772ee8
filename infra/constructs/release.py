"""How a new version of a function takes over from the one before: CodeDeploy moves the alias that callers ask."""

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from constructs import Construct

from infra.constructs.function import ServiceFunction
from infra.constructs.stage import accept, managed_policy

CONFIGURATIONS = {
    # As long as two periods of the alarms: an alarm of the new version is raised before the rest follows.
    "canary": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_10_MINUTES,
    "all-at-once": codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE,
}
# The alarms that take a function back. Not JobsFailed: it watches the state machine, which calls the aliases.
BEHIND_THE_API = ("ServerErrors", "SlowAnswers")
TAKEN_BACK_BY = {
    "Indexing": ("DeadLetters",),
    **dict.fromkeys(("JobSplit", "JobLines", "JobGather"), ("ClaimsInDoubt",)),
}


class Releases(Construct):
    """One deployment group for each function; an alarm, or a failure, takes the alias back to the version before.

    `kind` is canary (a tenth of the calls for ten minutes, then all) or all-at-once.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        kind: str,
        functions: Mapping[str, ServiceFunction],
        alarms: Mapping[str, cloudwatch.Alarm],
    ) -> None:
        super().__init__(scope, id_)
        application = codedeploy.LambdaApplication(self, "Application")
        for name, function in functions.items():
            if function.alias is None:
                continue
            group = codedeploy.LambdaDeploymentGroup(
                self,
                name,
                application=application,
                alias=function.alias,
                deployment_config=CONFIGURATIONS[kind],
                alarms=[alarms[alarm] for alarm in TAKEN_BACK_BY.get(name, BEHIND_THE_API)],
                auto_rollback=codedeploy.AutoRollbackConfig(
                    failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
                ),
            )
            accept(
                group.node.find_child("ServiceRole"),
                "AWS's own policy for CodeDeploy on Lambda: it moves aliases and reads alarms. The role serves this "
                "group alone.",
                managed_policy("AWSCodeDeployRoleForLambdaLimited"),
            )
