"""The command line `embodied-mem`. Importing it loads nothing heavy, so `--help` answers at once."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence

from embodied_mem.errors import EmbodiedMemError, ExperimentError
from embodied_mem.experiments import llm_command, mcp_command, memory_command, setup_command
from embodied_mem.experiments.flags import Parser

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

RUN_HELP = """\
examples:
  embodied-mem run                                  the default experiment, offline, about a minute
  embodied-mem run experiment=quick                 a small experiment, in seconds
  embodied-mem run seeds=tuning lifetimes=4 arms=[none,memory] workers=2
  embodied-mem run planner.options.k=10 stream.kinds=[babyai:UnlockPickup,babyai:Pickup]
  embodied-mem run resume=outputs/2026-01-31/default_12-00-00

An override is key=value; the keys are described in docs/experiments.md.
"""

LISTS = (
    "worlds",
    "memories",
    "planners",
    "judges",
    "reflectors",
    "embedders",
    "forgetting",
    "arms",
    "kinds",
    "experiments",
    "presets",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Command-line words after the program's name; by default those of this process.

    Returns:
        0 on success, 1 on an error, 2 on wrong usage, 130 after Ctrl-C.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _parser().parse_args(given)
    except SystemExit as end:  # argparse has printed the help or the error
        return int(end.code or 0)
    try:
        return _run(options, command=shlex.join(["embodied-mem", *given]))
    except KeyboardInterrupt as stop:
        print(f"\n{str(stop) or 'interrupted'}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of the pipe, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except (EmbodiedMemError, OSError) as error:  # OSError: a full disk, a folder that cannot be written
        if options.verbose:
            import traceback

            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> Parser:
    common = Parser(add_help=False)
    common.add_argument("-v", "--verbose", action="store_true", help="show tracebacks and the library's log")
    parser = Parser(
        prog="embodied-mem",
        description="Experience memory for embodied agents: run experiments, compare, report.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.set_defaults(verbose=False, verb=None)
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND")

    run = verbs.add_parser(
        "run",
        parents=[common],
        help="run an experiment, or resume an interrupted one (resume=FOLDER)",
        epilog=RUN_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.advice = " A setting is key=value, without dashes, such as lifetimes=2."
    run.add_argument(
        "overrides", nargs="*", metavar="key=value", help="settings that override the default configuration"
    )

    compare = verbs.add_parser("compare", parents=[common], help="compare runs, paired by lifetime")
    compare.add_argument("folders", nargs="+", metavar="FOLDER", help="folders of runs")
    compare.add_argument("--out", metavar="FOLDER", default="", help="where to write the comparison")

    report = verbs.add_parser("report", parents=[common], help="write report.html of a run")
    report.add_argument("folder", metavar="FOLDER", help="folder of a run")
    report.add_argument(
        "--draft", action="store_true", help="allow a run on tuning seeds, which supports no claim"
    )

    listing = verbs.add_parser("list", parents=[common], help="list registered parts and missing extras")
    listing.add_argument("what", choices=LISTS, help="what to list")

    memory_command.add_parser(verbs, common)
    llm_command.add_parser(verbs, common)
    mcp_command.add_parser(verbs, common)
    setup_command.add_parser(verbs, common)
    doctor = verbs.add_parser("doctor", parents=[common], help="check versions, extras and this machine")
    doctor.add_argument("--store", metavar="FOLDER", help="check the disk and file of this store as well")

    admission = verbs.add_parser("admission", parents=[common], help="measure which task kinds to use")
    admission.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="overrides, such as planner=llm llm=smollm2"
    )
    admission.add_argument(
        "--episodes", type=int, default=None, help="tuning episodes a kind (default: what the rule asks)"
    )
    admission.add_argument("--workers", type=int, default=0, help="processes; 0 takes the cores, at most 4")
    admission.add_argument(
        "--kinds", nargs="*", default=None, help="kinds to measure; all candidates by default"
    )
    admission.add_argument("--folder", default="outputs/admission", help="folder of the episodes, to resume")
    admission.add_argument(
        "--out", default="", help="where the result is written; by default FOLDER/admission.json"
    )
    return parser


def _run(options: argparse.Namespace, *, command: str) -> int:
    if options.version:
        import embodied_mem

        print(embodied_mem.__version__)
        return 0
    if options.verb is None:
        _parser().print_help()
        return EXIT_USAGE
    if options.verbose:
        import logging

        logging.basicConfig(level=logging.DEBUG, format="%(name)s: %(message)s")
        logging.getLogger("hydra").setLevel(logging.WARNING)
    commands: dict[str, Callable[[], int]] = {
        "run": lambda: _play(options, command),
        "compare": lambda: _compare(options),
        "report": lambda: _report(options),
        "list": lambda: _list(options),
        "memory": lambda: memory_command.run(options),
        "llm": lambda: llm_command.run(options),
        "mcp": lambda: mcp_command.run(options),
        "setup": lambda: _setup(options),
        "doctor": lambda: _doctor(options),
        "admission": lambda: _admission(options),
    }
    return commands[options.verb]()


def _play(options: argparse.Namespace, command: str) -> int:
    _use_one_thread()
    from embodied_mem.experiments.compose import compose_config
    from embodied_mem.experiments.dry_run import dry_run
    from embodied_mem.experiments.run_command import run
    from embodied_mem.experiments.tables import print_summary

    if "dry_run=true" in options.overrides:
        dry_run(compose_config(options.overrides), say=print)
        return 0
    result = run(options.overrides, command=command, say=lambda line: print(line, flush=True))
    print_summary(result.summary)
    print(f"report: {result.report}" if result.report else f"run: {result.folder}")
    if result.failed:
        print(
            f"error: {len(result.failed)} episodes ended in an error; the first: {result.failed[0]}",
            file=sys.stderr,
        )
        return EXIT_FAILED
    return 0


def _setup(options: argparse.Namespace) -> int:
    from embodied_mem.experiments.setup_command.virtualhome import set_up

    return set_up(options)


def _compare(options: argparse.Namespace) -> int:
    from embodied_mem.experiments.compare import compare
    from embodied_mem.experiments.comparison_text import comparison_text

    print(comparison_text(compare(options.folders, options.out or None)))
    return 0


def _report(options: argparse.Namespace) -> int:
    from embodied_mem.experiments.report import write_report
    from embodied_mem.experiments.run_folder import read_run

    run = read_run(options.folder)
    if run.info.seeds.get("range") == "tuning" and not options.draft:
        raise ExperimentError(
            f"{options.folder} was run on tuning seeds, which support no claim; "
            "run with seeds=report, or add --draft"
        )
    print(write_report(options.folder, run))
    return 0


def _list(options: argparse.Namespace) -> int:
    from embodied_mem.experiments.listing import lines

    for line in lines(options.what):
        print(line)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from pathlib import Path

    from embodied_mem.experiments.doctor import examine

    findings = examine(store=Path(options.store) if options.store else None)
    for finding in findings:
        print(finding)
    return EXIT_FAILED if any(finding.is_problem for finding in findings) else 0


def _admission(options: argparse.Namespace) -> int:
    _use_one_thread()
    from pathlib import Path

    from embodied_mem.experiments.admission import admit

    folder = Path(options.folder)
    written = admit(
        folder,
        kinds=options.kinds,
        episodes=options.episodes,
        workers=options.workers,
        overrides=options.overrides,
        out=Path(options.out) if options.out else folder / "admission.json",
        say=lambda line: print(line, flush=True),
    )
    print(written)
    return 0


def _use_one_thread() -> None:
    # Work is split over processes, and threads of numpy would slow all of them down. Set before numpy is
    # imported; the workers inherit it, so that every process computes the same sums.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


if __name__ == "__main__":
    sys.exit(main())
