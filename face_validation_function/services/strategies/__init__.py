"""One recipe for each type of validation."""
