"""A run as people read it: tables, plots, HTML and JSON."""
