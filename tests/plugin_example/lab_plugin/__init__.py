"""A stranger's package: its memory, world and planner are parts of any experiment of embodied_mem."""
