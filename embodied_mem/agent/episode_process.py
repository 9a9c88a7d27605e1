"""`EpisodeProcess`: the process in which isolated episodes are played."""

from embodied_mem.isolation.heartbeat import Heartbeat
from embodied_mem.isolation.json_process import JsonProcess

CHILD = "embodied_mem.agent.episode_child"


class EpisodeProcess:
    """The process in which isolated episodes are played; started when needed, again after each death.

    One episode at a time. Worlds and the planner live on in it from episode to episode.

    Args:
        is_quiet: Drop what simulators print; otherwise it goes to standard error.
    """

    def __init__(self, *, is_quiet: bool = False) -> None:
        self.is_quiet = is_quiet
        self._process: JsonProcess | None = None
        self._heartbeat: Heartbeat | None = None

    @property
    def heartbeat(self) -> Heartbeat:
        """What the process does now."""
        if self._heartbeat is None:
            self._heartbeat = Heartbeat()
        return self._heartbeat

    def running(self) -> JsonProcess:
        """Return the process, started if there is none."""
        if self._process is not None and self._process.has_ended:
            self.close()
        if self._process is None:
            self._process = JsonProcess(CHILD)
        return self._process

    def close(self) -> None:
        """End the process at once, whatever it does; the next episode starts another."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        if self._heartbeat is not None:
            self._heartbeat.close()
            self._heartbeat = None


class EpisodeProcesses:
    """Idle processes; episodes that run at the same time need one each.

    Args:
        is_quiet: See `EpisodeProcess`.
    """

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._is_quiet = is_quiet
        self._idle: list[EpisodeProcess] = []

    def take(self) -> EpisodeProcess:
        """Return an idle process, or a new one."""
        try:
            return self._idle.pop()
        except IndexError:
            return EpisodeProcess(is_quiet=self._is_quiet)

    def give_back(self, process: EpisodeProcess) -> None:
        """Keep a process for the next episode."""
        self._idle.append(process)

    def close(self) -> None:
        """End all idle processes; closing twice is allowed."""
        while self._idle:
            self._idle.pop().close()
