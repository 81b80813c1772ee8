"""What a browser needs to stream the video of a liveness session: credentials that can do nothing else."""

from aws_cdk import Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.findings import accept


class LivenessBrowsers(Construct):
    """An identity pool without sign-in, whose visitors may start the stream of a session that the API gave them.

    Source: docs.aws.amazon.com/rekognition/latest/dg/face-liveness-prerequisites.html
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.pool = cognito.CfnIdentityPool(
            self, "Pool", allow_unauthenticated_identities=True, allow_classic_flow=False
        )
        accept(
            self.pool,
            "Whoever checks a face is a visitor without an account. The credentials start the stream of a session, "
            "which only the API creates, behind its own tokens; the session's id is the secret.",
            "AwsSolutions::AwsSolutions-COG7",
        )
        visitors = iam.Role(
            self,
            "Visitors",
            assumed_by=iam.WebIdentityPrincipal(
                "cognito-identity.amazonaws.com",
                {
                    "StringEquals": {"cognito-identity.amazonaws.com:aud": self.pool.ref},
                    "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "unauthenticated"},
                },
            ),
        )
        visitors.add_to_policy(
            iam.PolicyStatement(
                actions=["rekognition:StartFaceLivenessSession"],
                resources=["*"],
                conditions={"StringEquals": {"aws:RequestedRegion": Stack.of(self).region}},
            )
        )
        accept(
            visitors,
            "IAM knows no resource type for StartFaceLivenessSession: * is the only resource. It is the one action.",
            "AwsSolutions::AwsSolutions-IAM5[Resource::*]",
        )
        cognito.CfnIdentityPoolRoleAttachment(
            self, "Roles", identity_pool_id=self.pool.ref, roles={"unauthenticated": visitors.role_arn}
        )
