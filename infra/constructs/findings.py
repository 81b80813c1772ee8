"""Findings of the security checks that are right as they are, each with its reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def accept(construct: IConstruct, reason: str, *rules: str) -> None:
    """Accept cdk-nag's `rules` (`pack::rule`) on `construct` and what lies in it, for a `reason` one can check."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule in rules))
