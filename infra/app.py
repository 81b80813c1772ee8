"""The CDK app: `cdk synth|deploy|destroy -c stage=dev|prod`."""

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra.options import Options
from infra.stack import FaceValidationStack


def build(app: App) -> FaceValidationStack:
    """The stack of the stage that `app`'s context asks for, under the security checks that stop a synth."""
    options = Options.from_context(app.node.try_get_context)
    stack = FaceValidationStack(app, f"FaceValidation-{options.stage}", options)
    Tags.of(stack).add("application", "face-validation")
    Tags.of(stack).add("stage", options.stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    return stack


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
