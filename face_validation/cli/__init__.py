"""The command line `face-validation`."""
