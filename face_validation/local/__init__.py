"""The whole service on one machine: tokens, API Gateway, S3 and Amazon Rekognition, all on 127.0.0.1."""
