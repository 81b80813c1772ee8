"""Labelled cases in, a decision aid out: asks the API as any client does, the rest is arithmetic on the scores."""
