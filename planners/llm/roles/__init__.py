"""What a language model is asked for besides a plan; each role also has a form that needs no model."""
