"""Face validation for people who `pip install` it: client, command line, evaluation, and everything on one machine."""
