"""Which recorder the options ask for."""

from embodied_mem.contracts import Memory
from embodied_mem.wrappers.episode_log import MakePlan
from embodied_mem.wrappers.options import RecordOptions
from embodied_mem.wrappers.recorder import Recorder


def make_recorder(
    memory: Memory,
    options: RecordOptions,
    *,
    environment: str,
    make_plan: MakePlan,
) -> Recorder:
    """The recorder that the options ask for."""
    if not options.in_background:
        return Recorder(memory, options, environment=environment, make_plan=make_plan)
    from embodied_mem.wrappers.background import BackgroundRecorder

    return BackgroundRecorder(memory, options, environment=environment, make_plan=make_plan)
