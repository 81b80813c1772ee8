"""Who may call: programs, by OAuth's client credentials of a Cognito user pool; and browsers, for a liveness video."""

from collections.abc import Iterable

from aws_cdk import Duration, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from constructs import Construct

from face_validation_function.routes import RESOURCE_SERVER, ROUTES
from infra.constructs.stage import Stage, accept, camel, stack_suffix, wildcard
from infra.options import PROBE_CLIENT

TOKEN_LIFETIME = Duration.hours(1)


class Identity(Construct):
    """The pool, the scopes of the API, the domain that gives tokens, and app clients with their secrets.

    The first client may ask for every scope. `clients` are the operator's own, one for each program, and the probe's.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_)
        self.pool = cognito.UserPool(
            self,
            "Pool",
            # No person signs in here. What Cognito demands for persons is set strictly all the same.
            self_sign_up_enabled=False,
            account_recovery=cognito.AccountRecovery.NONE,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=16, require_lowercase=True, require_uppercase=True, require_digits=True, require_symbols=True
            ),
            feature_plan=cognito.FeaturePlan.ESSENTIALS,
            deletion_protection=stage.retain,
            removal_policy=stage.removal_policy,
        )
        accept(
            self.pool,
            "Only programs get tokens here, by client credentials. The plus tier protects the sign-ins of persons, and "
            "there are none.",
            "AwsSolutions-COG8",
        )
        scopes = sorted({route.scope for route in ROUTES})
        described = [
            cognito.ResourceServerScope(scope_name=name, scope_description=f"{RESOURCE_SERVER}: {name}")
            for name in (scope.removeprefix(f"{RESOURCE_SERVER}/") for scope in scopes)
        ]
        server = self.pool.add_resource_server(camel(RESOURCE_SERVER), identifier=RESOURCE_SERVER, scopes=described)
        prefix = f"face-validation-{stage.options.stage}-{stack_suffix()}"  # unique in the region, as Cognito demands
        domain = self.pool.add_domain("Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=prefix))
        # Where `POST` with a client's id and secret answers a token.
        self.token_url = f"{domain.base_url()}/oauth2/token"
        self.client = self._client("Client", scopes)
        programs = (*stage.options.clients, PROBE_CLIENT) if stage.options.probe else stage.options.clients
        self.clients = {one.name: self._client(f"Client{camel(one.name)}", one.scopes) for one in programs}
        for client in (self.client, *self.clients.values()):
            client.node.add_dependency(server)

    def _client(self, id_: str, scopes: Iterable[str]) -> cognito.UserPoolClient:
        return self.pool.add_client(
            id_,
            generate_secret=True,
            auth_flows=cognito.AuthFlow(),
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(client_credentials=True),
                scopes=[cognito.OAuthScope.custom(name) for name in scopes],
            ),
            access_token_validity=TOKEN_LIFETIME,
            enable_token_revocation=True,
            prevent_user_existence_errors=True,
        )


def add_liveness_browsers(scope: Construct) -> cognito.CfnIdentityPool:
    """An identity pool without sign-in, whose visitors may start the stream of a session that the API gave them.

    Source: docs.aws.amazon.com/rekognition/latest/dg/face-liveness-prerequisites.html
    """
    pool = cognito.CfnIdentityPool(scope, "Pool", allow_unauthenticated_identities=True, allow_classic_flow=False)
    accept(
        pool,
        "Whoever checks a face is a visitor without an account. The credentials start the stream of a session, "
        "which only the API creates, behind its own tokens; the session's id is the secret.",
        "AwsSolutions-COG7",
    )
    visitors = iam.Role(
        scope,
        "Visitors",
        assumed_by=iam.WebIdentityPrincipal(
            "cognito-identity.amazonaws.com",
            {
                "StringEquals": {"cognito-identity.amazonaws.com:aud": pool.ref},
                "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "unauthenticated"},
            },
        ),
    )
    visitors.add_to_policy(
        iam.PolicyStatement(
            actions=["rekognition:StartFaceLivenessSession"],
            resources=["*"],
            conditions={"StringEquals": {"aws:RequestedRegion": Stack.of(scope).region}},
        )
    )
    accept(
        visitors,
        "IAM knows no resource type for StartFaceLivenessSession: * is the only resource. It is the one action.",
        wildcard("*"),
    )
    cognito.CfnIdentityPoolRoleAttachment(
        scope, "Roles", identity_pool_id=pool.ref, roles={"unauthenticated": visitors.role_arn}
    )
    return pool
