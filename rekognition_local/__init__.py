"""Amazon Rekognition on one machine: the same wire (AWS JSON 1.1, shapes, exceptions), real models, no AWS account."""
