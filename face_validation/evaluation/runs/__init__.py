"""Labelled cases asked through the API, one result each."""
