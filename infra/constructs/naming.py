"""Names that the stack must choose, where CloudFormation makes none."""

from aws_cdk import Aws, Fn


def stack_suffix() -> str:
    """Twelve hex digits: stable for the stack's life, others for a stack made anew, free of the account's number."""
    # The end of arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/8-4-4-4-12.
    return Fn.select(4, Fn.split("-", Fn.select(2, Fn.split("/", Aws.STACK_ID))))


def camel(name: str) -> str:
    """`back-office` -> `BackOffice`, as logical ids and outputs are written."""
    return "".join(word.capitalize() for word in name.split("-"))
