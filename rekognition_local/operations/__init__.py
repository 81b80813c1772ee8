"""Rekognition's operations, a module for each group."""
