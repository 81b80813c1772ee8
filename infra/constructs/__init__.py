"""The parts of the stack: functions, API, identity, storage."""
