"""Recording of episodes from any agent in any Gymnasium environment, without changes to either."""

from embodied_mem.recording.outcomes import EpisodeSummary, RewardRule, success_in_info
from embodied_mem.recording.record import record_experience
from embodied_mem.recording.recorder import RecordingCounts
from embodied_mem.recording.recording_options import RecordingError

__all__ = [
    "EpisodeSummary",
    "RecordingCounts",
    "RecordingError",
    "RewardRule",
    "record_experience",
    "success_in_info",
]
