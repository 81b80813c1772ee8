"""The REST API: a method per route behind the authorizer, and every refusal in the contract's envelope."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from aws_cdk import Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from face_validation_function.contract.openapi import gateway_models
from face_validation_function.contract.operations import REFUSALS, Refusal
from face_validation_function.routes import JOB_ROUTES, PEOPLE_ROUTES, VALIDATION_ROUTES, Route
from infra.constructs.function import Functions
from infra.constructs.stage import Stage, accept, camel, managed_policy
from infra.options import CustomDomain

# What an operator asks of a request. No body, no header, no token.
ACCESS_LOG = Path(__file__).with_name("access_log.json")

BEHIND_ROUTES = {"Validation": VALIDATION_ROUTES, "People": PEOPLE_ROUTES, "Jobs": JOB_ROUTES}

REQUESTS_PER_5_MINUTES = 3000
# AWS's rule groups of the firewall, each with its rules that only count: ten requests with long keys are over 8 KB of
# body.
RULE_GROUPS: dict[str, tuple[str, ...]] = {
    "AWSManagedRulesAmazonIpReputationList": (),
    "AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",),
    "AWSManagedRulesKnownBadInputsRuleSet": (),
}


class ValidationApi(Construct):
    """A regional REST API: each route is a method with the authorizer and its scope, before one of `functions`.

    A body is checked by its JSON schema (draft 4): what that refuses needs no Lambda.
    """

    def __init__(
        self, scope: Construct, id_: str, *, functions: Functions, pool: cognito.IUserPool, stage: Stage
    ) -> None:
        super().__init__(scope, id_)
        options = stage.options
        self.access_log = stage.log_group(self, "AccessLog")
        self.rest_api = self._rest_api(stage)
        self._deployment = cast(apigateway.Deployment, self.rest_api.latest_deployment)
        self._authorizer = apigateway.CognitoUserPoolsAuthorizer(self, "Authorizer", cognito_user_pools=[pool])
        self._validator = self.rest_api.add_request_validator(
            "Validator", validate_request_body=True, validate_request_parameters=True
        )
        models = gateway_models()
        for name, routes in BEHIND_ROUTES.items():
            for route in routes:
                self._add_method(route, functions[name].called, models.get(route.operation))
        for refusal in REFUSALS:
            self._add_gateway_response(refusal)
        if options.domain:
            self._add_domain(options.domain)
        if options.waf:
            _add_firewall(Construct(self, "Firewall"), self.rest_api.deployment_stage.stage_arn)
        self.url = f"https://{options.domain.name}/" if options.domain else self.rest_api.url

    def _rest_api(self, stage: Stage) -> apigateway.RestApi:
        """The API without its methods: one stage with its logs and limits."""
        options = stage.options
        rest_api = apigateway.RestApi(
            self,
            "FaceValidation",
            # CloudWatch tells the APIs of an account apart by this name.
            rest_api_name=Stack.of(self).stack_name,
            description="Is this the person of that trusted image? Who is it, among the people enrolled?",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            # API Gateway writes no log at all before the account has this role.
            cloud_watch_role=True,
            disable_execute_api_endpoint=options.domain is not None,
            deploy_options=apigateway.StageOptions(
                stage_name=options.stage,
                throttling_rate_limit=options.throttle_rate,
                throttling_burst_limit=options.throttle_burst,
                tracing_enabled=True,
                metrics_enabled=True,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                access_log_destination=apigateway.LogGroupLogDestination(self.access_log),
                access_log_format=apigateway.AccessLogFormat.custom(
                    json.dumps(json.loads(ACCESS_LOG.read_text("utf-8")))
                ),
            ),
        )
        # Where there is none, API Gateway makes this group by itself: for ever, and without the key.
        execution_log = stage.log_group(
            self, "ExecutionLog", f"API-Gateway-Execution-Logs_{rest_api.rest_api_id}/{options.stage}"
        )
        rest_api.deployment_stage.node.add_dependency(execution_log)
        # CDK's own output of the address, which a custom domain turns off; the stack's ApiUrl says the right one.
        rest_api.node.try_remove_child("Endpoint")
        accept(
            rest_api.node.find_child("CloudWatchRole"),
            "AWS's own policy for this very role, which belongs to the account and region and not to this API: API "
            "Gateway assumes it to write the logs of all APIs there.",
            managed_policy("AmazonAPIGatewayPushToCloudWatchLogs"),
        )
        if not options.waf:
            accept(
                rest_api.deployment_stage,
                "Every method demands the access token of a registered program, and the stage is throttled. For more, "
                "-c waf=true puts a firewall before it, at a price of its own.",
                "AwsSolutions-APIG3",
            )
        return rest_api

    def _add_method(self, route: Route, function: lambda_.IFunction, model: Mapping[str, Any] | None) -> None:
        self.rest_api.root.resource_for_path(route.resource).add_method(
            route.method,
            apigateway.LambdaIntegration(function, allow_test_invoke=False),
            authorizer=self._authorizer,
            authorization_scopes=route.scopes,
            request_validator=self._validator,
            request_models={"application/json": self._request_model(route, model)} if model else None,
            request_parameters={f"method.request.path.{name}": True for name in route.path_parameters},
        )

    def _request_model(self, route: Route, schema: Mapping[str, Any]) -> apigateway.IModel:
        id_ = f"{camel(route.operation)}Request"
        model = apigateway.CfnModel(
            self, id_, rest_api_id=self.rest_api.rest_api_id, content_type="application/json", schema=dict(schema)
        )
        # A stage serves the deployment it was made of: another model must make another deployment.
        self._deployment.add_to_logical_id({id_: schema})
        self._deployment.node.add_dependency(model)
        return apigateway.Model.from_model_name(self, f"{id_}Model", model.ref)

    def _add_gateway_response(self, refusal: Refusal) -> None:
        headers = {} if refusal.retry_after_s is None else {"Retry-After": f"'{refusal.retry_after_s}'"}
        self.rest_api.add_gateway_response(
            camel(refusal.response_type),
            type=apigateway.ResponseType.of(refusal.response_type),
            status_code=str(int(refusal.status)) if refusal.status else None,
            response_headers=headers,
            templates={"application/json": json.dumps(refusal.envelope("$context.requestId"))},
        )

    def _add_domain(self, domain: CustomDomain) -> None:
        certificate = acm.Certificate.from_certificate_arn(self, "Certificate", domain.certificate_arn)
        name = self.rest_api.add_domain_name(
            "Domain",
            domain_name=domain.name,
            certificate=certificate,
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=domain.hosted_zone_id, zone_name=domain.hosted_zone_name
        )
        target = route53.RecordTarget.from_alias(targets.ApiGatewayDomain(name))
        route53.ARecord(self, "Ipv4", zone=zone, record_name=f"{domain.name}.", target=target)
        route53.AaaaRecord(self, "Ipv6", zone=zone, record_name=f"{domain.name}.", target=target)


def _add_firewall(scope: Construct, stage_arn: str) -> None:
    """A limit of requests an address and AWS's rule groups, before one stage of an API (`-c waf=true`)."""
    rate = waf.CfnWebACL.RateBasedStatementProperty(aggregate_key_type="IP", limit=REQUESTS_PER_5_MINUTES)
    limit = waf.CfnWebACL.StatementProperty(rate_based_statement=rate)
    rules = [_rule("RatePerAddress", 0, limit, action=waf.CfnWebACL.RuleActionProperty(block={}))]
    none = waf.CfnWebACL.OverrideActionProperty(none={})
    count = waf.CfnWebACL.RuleActionProperty(count={})
    for priority, (name, only_counted) in enumerate(RULE_GROUPS.items(), start=1):
        overrides = [waf.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=count) for rule in only_counted]
        group = waf.CfnWebACL.ManagedRuleGroupStatementProperty(
            vendor_name="AWS", name=name, rule_action_overrides=overrides
        )
        statement = waf.CfnWebACL.StatementProperty(managed_rule_group_statement=group)
        rules.append(_rule(name, priority, statement, override_action=none))
    allow = waf.CfnWebACL.DefaultActionProperty(allow={})
    visible = _visible("Firewall")
    acl = waf.CfnWebACL(scope, "Acl", scope="REGIONAL", default_action=allow, visibility_config=visible, rules=rules)
    waf.CfnWebACLAssociation(scope, "Association", resource_arn=stage_arn, web_acl_arn=acl.attr_arn)


def _rule(
    name: str, priority: int, statement: waf.CfnWebACL.StatementProperty, **action: Any
) -> waf.CfnWebACL.RuleProperty:
    return waf.CfnWebACL.RuleProperty(
        name=name, priority=priority, statement=statement, visibility_config=_visible(name), **action
    )


def _visible(metric: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
    )
