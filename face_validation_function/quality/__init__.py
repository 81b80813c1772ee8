"""How good a face is for comparison: measures of ISO/IEC 29794-5, without a claim of conformance."""
