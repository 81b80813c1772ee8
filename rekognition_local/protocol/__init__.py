"""AWS JSON 1.1 as Amazon Rekognition speaks it."""
