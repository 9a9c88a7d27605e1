"""Notes: what a prompt tells before its worked examples."""
