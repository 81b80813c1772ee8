"""Sample photographs in the public domain, and identity documents drawn around them."""
