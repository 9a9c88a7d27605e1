"""`python -m embodied_mem` is the command line, for where no console script is on the path."""

from embodied_mem.experiments.cli import main

raise SystemExit(main())
