"""What can go wrong while a verifier is trained, loaded or asked; `str(error)` is what people read."""


class VerifierError(Exception):
    """A refusal whose text says what to do about it."""


class ModelError(VerifierError):
    """The stored model is missing, damaged, or belongs to another embedding model."""


class NoFaceError(VerifierError):
    """No face was found in an image that could be read."""
