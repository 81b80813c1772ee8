"""A trained verifier that answers: POST /verify and GET /healthz."""
