"""How a new version of a function takes over from the one before: CodeDeploy moves the alias that callers ask."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.findings import accept

CONFIGURATIONS = {
    # As long as two periods of the alarms: an alarm of the new version is raised before the rest follows.
    "canary": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_10_MINUTES,
    "all-at-once": codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE,
}

_POLICY = "AWSCodeDeployRoleForLambdaLimited"


class Releases(Construct):
    """One deployment group for each function; an alarm, or a failure, takes the alias back to the version before.

    Args:
        kind: canary (a tenth of the calls for ten minutes, then all) or all-at-once.
        aliases: name of a function -> the alias that its callers ask.
        alarms: name of a function -> what takes it back.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        kind: str,
        aliases: Mapping[str, lambda_.Alias],
        alarms: Mapping[str, Sequence[cloudwatch.IAlarm]],
    ) -> None:
        super().__init__(scope, id_)
        application = codedeploy.LambdaApplication(self, "Application")
        for name, alias in aliases.items():
            group = codedeploy.LambdaDeploymentGroup(
                self,
                name,
                application=application,
                alias=alias,
                deployment_config=CONFIGURATIONS[kind],
                alarms=list(alarms[name]),
                auto_rollback=codedeploy.AutoRollbackConfig(
                    failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
                ),
            )
            accept(
                group.node.find_child("ServiceRole"),
                "AWS's own policy for CodeDeploy on Lambda: it moves aliases and reads alarms. The role serves this "
                "group alone.",
                f"AwsSolutions::AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{_POLICY}]",
            )
