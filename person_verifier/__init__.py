"""Is this me? A verifier of one person, trained from a few dozen photographs and served by POST /verify."""
