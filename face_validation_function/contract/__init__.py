"""What callers are promised: the shapes of answers, the refusals, and the OpenAPI document made from them."""
