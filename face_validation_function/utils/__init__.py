"""Images, answers and logging: closed to further modules."""
