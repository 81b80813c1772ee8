"""The errors that callers are promised."""
