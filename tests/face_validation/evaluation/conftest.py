"""`--hypothesis-profile thorough` checks every figure on 4,000 random score sets instead of 100."""

from hypothesis import settings

settings.register_profile("thorough", max_examples=4000, deadline=None)
