"""API Gateway on one machine, in front of the same Lambda handlers."""
