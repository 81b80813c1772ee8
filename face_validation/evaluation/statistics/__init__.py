"""Error rates, their intervals and tests: from scores to figures."""
