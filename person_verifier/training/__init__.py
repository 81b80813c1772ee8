"""From descriptors to a verifier, and how good it is."""
