"""What an identity document says of itself: its machine readable zone, read, checked and compared with claims."""
