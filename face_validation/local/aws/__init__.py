"""S3, DynamoDB, SQS and Rekognition on one machine, and the environment that points at them."""
