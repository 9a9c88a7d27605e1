"""Recording of episodes from any agent in any Gymnasium environment, without changes to either."""

from embodied_mem.wrappers.options import RecordingError
from embodied_mem.wrappers.outcomes import EpisodeSummary, RewardRule
from embodied_mem.wrappers.record import record_experience
from embodied_mem.wrappers.recorder import RecordingCounts

__all__ = ["EpisodeSummary", "RecordingCounts", "RecordingError", "RewardRule", "record_experience"]
