"""Measures how long the library and its command line take to start; prints one line each.

Budgets: `import embodied_mem` 0.1 s beyond numpy, `embodied-mem --help` 0.5 s.
Run: python scripts/measure_start.py
"""

import statistics
import subprocess
import sys
import time

N_RUNS = 11
CASES = {
    "python itself": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import embodied_mem": ["-c", "import embodied_mem"],
    "embodied-mem --help": ["-m", "embodied_mem", "--help"],
    "embodied-mem run --help": ["-m", "embodied_mem", "run", "--help"],
}


def seconds(arguments: list[str]) -> float:
    """Wall-clock seconds of one interpreter with these arguments."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Print median and maximum of every case, after one run that fills the caches."""
    for name, arguments in CASES.items():
        seconds(arguments)
        runs = [seconds(arguments) for _ in range(N_RUNS)]
        print(f"{name:24} median {statistics.median(runs):.3f} s, maximum {max(runs):.3f} s, {N_RUNS} runs")


if __name__ == "__main__":
    main()
