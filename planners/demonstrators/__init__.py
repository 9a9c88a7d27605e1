"""Teachers: planners that were told how a world works, so that others can recall what they did."""
