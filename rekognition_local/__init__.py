"""Amazon Rekognition on one machine: the same wire, real models; as a library, the face engine behind it."""
