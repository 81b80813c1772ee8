"""A web application firewall before the API, for those who want one (`-c waf=true`)."""

from typing import Any

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
        per_address = {"rate_based_statement": {"aggregate_key_type": "IP", "limit": REQUESTS_PER_5_MINUTES}}
        acl = waf.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action={"allow": {}},
            visibility_config=_visible("Firewall"),
            rules=[
                _rule("RatePerAddress", 0, per_address, action={"block": {}}),
                *(_group_rule(*group, priority) for priority, group in enumerate(RULE_GROUPS, start=1)),
            ],
        )
        waf.CfnWebACLAssociation(self, "Association", resource_arn=stage_arn, web_acl_arn=acl.attr_arn)


def _group_rule(name: str, only_counted: tuple[str, ...], priority: int) -> dict[str, Any]:
    counted = [{"name": rule, "action_to_use": {"count": {}}} for rule in only_counted]
    group = {"vendor_name": "AWS", "name": name, "rule_action_overrides": counted}
    return _rule(name, priority, {"managed_rule_group_statement": group}, override_action={"none": {}})


def _rule(name: str, priority: int, statement: dict[str, Any], **action: Any) -> dict[str, Any]:
    visible = _visible(name)
    return {"name": name, "priority": priority, "statement": statement, "visibility_config": visible, **action}


def _visible(metric: str) -> dict[str, Any]:
    return {"cloud_watch_metrics_enabled": True, "metric_name": metric, "sampled_requests_enabled": True}
