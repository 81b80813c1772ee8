"""Photographs, the faces in them, and which of them belong together."""
