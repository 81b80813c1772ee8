"""The CDK app: what `cdk deploy` makes of the service. No AWS call and no Docker at synth."""
