"""The role `propose`: the next task (Voyager's curriculum, 2305.16291; the self-instruct of JARVIS-1)."""

from collections.abc import Sequence
from typing import Protocol

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.llm.answers.answer_form import AnswerForm
from embodied_mem.planners.llm.answers.answer_forms import FreeText, OneOf
from embodied_mem.planners.llm.asking import Reply
from embodied_mem.planners.llm.roles.role import AskedRole
from embodied_mem.records import Experience

MAX_TRIED = 30  # tasks that a prompt tells of, the newest


class Proposer(Protocol):
    """Proposes what to try next."""

    async def propose(
        self, tried: Sequence[Experience], tasks: Sequence[str] = (), *, state: str = "", place: str = ""
    ) -> Reply[str]:
        """Return a task.

        Args:
            tried: Earlier episodes, oldest first.
            tasks: Tasks to choose from; empty: any.
            state: What is perceived now, in words.
            place: Where it is asked, for the log and recordings.

        Raises:
            InvalidRecord: Nothing was tried, and there is nothing to choose from.
        """
        ...


class PlainProposer:
    """Without a model: the task that was tried least.

    Of several it takes one that failed last, and of those the first listed. Without a list it chooses among
    the tasks that were tried.
    """

    async def propose(
        self, tried: Sequence[Experience], tasks: Sequence[str] = (), *, state: str = "", place: str = ""
    ) -> Reply[str]:
        """Return the task."""
        listed = tuple(tasks) or tuple(dict.fromkeys(each.task.text for each in tried))
        if not listed:
            raise InvalidRecord("tasks and tried are empty; give at least one task to choose from")
        return Reply(value=min(listed, key=lambda task: _effort(task, tried)))


class ModelProposer(AskedRole):
    """A model's choice, or a task in its own words where none are listed; the plain one if unreadable."""

    role = "propose"

    async def propose(
        self, tried: Sequence[Experience], tasks: Sequence[str] = (), *, state: str = "", place: str = ""
    ) -> Reply[str]:
        """Return the task."""
        form: AnswerForm[str] = OneOf(tuple(tasks)) if tasks else FreeText(max_chars=120)
        inputs = {"state": state, "tasks": list(tasks), "tried": _in_words(tried)}
        reply = await self._ask(form, inputs, place)
        if reply.value is not None:
            return reply
        plain = await PlainProposer().propose(tried, tasks)
        return Reply(value=plain.value, text=reply.text, failure=reply.failure, cost=reply.cost)


def _effort(task: str, tried: Sequence[Experience]) -> tuple[int, bool]:
    """How often a task was tried, and whether the last try succeeded."""
    own = [each.outcome for each in tried if each.task.text == task]
    return len(own), bool(own) and own[-1].is_success


def _in_words(tried: Sequence[Experience]) -> list[str]:
    names = list(dict.fromkeys(each.task.text for each in reversed(tried)))[:MAX_TRIED]
    own = {name: [each.outcome.is_success for each in tried if each.task.text == name] for name in names}
    return [f"{name}: {sum(won)} of {len(won)} succeeded" for name, won in own.items()]
