"""What a user's memory does: experiences recorded, recalled, ranked and let go of."""
