"""The models' files: found in installed packages, checked, and made into graphs."""
