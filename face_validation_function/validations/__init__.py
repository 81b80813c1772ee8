"""What a caller may ask, checked before any paid call."""
