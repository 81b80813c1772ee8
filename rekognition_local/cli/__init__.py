"""The command line: the server, and the models that it needs."""
