"""AWS in our words: the only home of boto3 in the Lambda package."""
