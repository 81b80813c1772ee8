"""Amazon Cognito on one machine: user pool and access tokens."""
