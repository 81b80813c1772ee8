"""Where faces are, what describes them, and how similar they are."""
