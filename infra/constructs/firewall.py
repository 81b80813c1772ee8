"""A web application firewall before the API, for those who want one (`-c waf=true`)."""

from aws_cdk import aws_wafv2 as waf
from constructs import Construct

REQUESTS_PER_5_MINUTES = 3000
# AWS's rule groups, each with its rules that only count: ten requests with long keys are over 8 KB of body.
RULE_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("AWSManagedRulesAmazonIpReputationList", ()),
    ("AWSManagedRulesCommonRuleSet", ("SizeRestrictions_BODY",)),
    ("AWSManagedRulesKnownBadInputsRuleSet", ()),
)


class Firewall(Construct):
    """A limit of requests an address and AWS's rule groups, before one stage of an API."""

    def __init__(self, scope: Construct, id_: str, *, stage_arn: str) -> None:
        super().__init__(scope, id_)
        acl = waf.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visible("Firewall"),
            rules=[
                _rate_rule(),
                *(_group_rule(*group, priority) for priority, group in enumerate(RULE_GROUPS, start=1)),
            ],
        )
        waf.CfnWebACLAssociation(self, "Association", resource_arn=stage_arn, web_acl_arn=acl.attr_arn)


def _rate_rule() -> waf.CfnWebACL.RuleProperty:
    name = "RatePerAddress"
    limit = waf.CfnWebACL.RateBasedStatementProperty(aggregate_key_type="IP", limit=REQUESTS_PER_5_MINUTES)
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=0,
        action=waf.CfnWebACL.RuleActionProperty(block={}),
        statement=waf.CfnWebACL.StatementProperty(rate_based_statement=limit),
        visibility_config=_visible(name),
    )


def _group_rule(name: str, only_counted: tuple[str, ...], priority: int) -> waf.CfnWebACL.RuleProperty:
    count = waf.CfnWebACL.RuleActionProperty(count={})
    group = waf.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name=name,
        rule_action_overrides=[
            waf.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=count) for rule in only_counted
        ],
    )
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        visibility_config=_visible(name),
    )


def _visible(metric: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
    )
