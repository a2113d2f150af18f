"""What other programs read: the published schemas, and models for those who read reports in Python."""
