"""Which identity documents an image shows, and what is written on them."""
