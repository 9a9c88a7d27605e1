"""Case-based planning: retrieve, reuse, revise, retain (Aamodt & Plaza, 1994), with no model and no rules.

The planner knows how skills are called and nothing else about the world. It tries the calls that the
instruction names; when a call fails it recalls repairs that got past a similar obstacle (retrieve), applies
them to the objects at hand (reuse), tries random legal calls if no repair helps (revise), and stores the
repairs that worked in a won episode (retain). With an empty memory it explores and repairs in exactly the
same way. If the instruction names no call, it recalls won episodes at the start and replays their plans.
"""

from dataclasses import dataclass, field

from embodied_mem.errors import InvalidRecord
from embodied_mem.planners.grounding import Goal, ground, meant
from embodied_mem.planners.legal_calls import random_call
from embodied_mem.planners.repairs import Lessons, Obstacle, Repair, distinct_repairs
from embodied_mem.planners.replay import WON_EPISODES, Replay
from embodied_mem.records import Kind, Outcome, Recalled, SkillCall, Status
from embodied_mem.records.decisions import Act, Context, Decision, Stop, Trigger
from embodied_mem.records.episodes import Reflection, Trace
from embodied_mem.records.filters import Where, where
from embodied_mem.records.json_values import JsonObject
from embodied_mem.records.queries import Query
from embodied_mem.records.skills import SkillStatus

REPAIRS_THAT_WORKED: Where = where(kind=Kind.REPAIR.value, outcome=Status.SUCCESS.value)


@dataclass(slots=True)
class _Frame:
    """A call to complete: a goal of the instruction, or a step of a repair for the frame below."""

    call: SkillCall
    goal: Goal | None = None
    obstacle: Obstacle | None = None  # the obstacle of its last failure
    met: dict[str, Obstacle] = field(default_factory=dict)  # situation -> obstacle, for all its failures
    rest: tuple[SkillCall, ...] = ()  # remaining steps of the same repair
    tried_at: int = -1  # number of successful calls in the episode at its last try


class CaseBasedPlanner:
    """Case-based planner; a `Planner`, and the `Reflector` of its own episodes.

    Args:
        k: Number of experiences to recall for an obstacle, >= 0.
        min_score: Minimum score of an experience to act on.
        min_similarity: Minimum similarity, 0 to 1, of a repair's situation to the obstacle at hand, whatever
            the task adds to its score; applies where the memory gives `Recalled.similarities`. Failures of
            one kind on other objects share 0.65 or more, failures of different kinds less than 0.6.
        max_depth: Maximum nesting of repairs, >= 0; 0 never reuses.
        rounds: How often every usable repair is tried on an obstacle before each random call, >= 0. A repair
            that revealed new things is tried again at once.
        patience: Random calls tried for a step of a repair before the repair is given up, >= 0. Goals are
            never given up.

    Raises:
        InvalidRecord: A setting has the wrong type or is below 0.
    """

    def __init__(
        self,
        k: int = 5,
        *,
        min_score: float = 0.8,
        min_similarity: float = 0.6,
        max_depth: int = 6,
        rounds: int = 1,
        patience: int = 2,
    ) -> None:
        for name, value in {"k": k, "max_depth": max_depth, "rounds": rounds, "patience": patience}.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InvalidRecord(f"{name} is {value!r}; expected an integer of at least 0")
        for name, minimum in {"min_score": min_score, "min_similarity": min_similarity}.items():
            if isinstance(minimum, bool) or not isinstance(minimum, int | float) or minimum != minimum:
                raise InvalidRecord(f"{name} is {minimum!r}; expected a number")
        self.k, self.min_score, self.min_similarity = k, min_score, min_similarity
        self.max_depth, self.rounds, self.patience = max_depth, rounds, patience
        self._begin([])

    def for_episode(self) -> "CaseBasedPlanner":
        """Return a planner with the same settings and the state of one episode."""
        return CaseBasedPlanner(
            self.k,
            min_score=self.min_score,
            min_similarity=self.min_similarity,
            max_depth=self.max_depth,
            rounds=self.rounds,
            patience=self.patience,
        )

    def describe(self) -> JsonObject:
        """Name and settings."""
        return {
            "name": "case_based",
            "k": self.k,
            "min_score": self.min_score,
            "min_similarity": self.min_similarity,
            "max_depth": self.max_depth,
            "rounds": self.rounds,
            "patience": self.patience,
        }

    def decide(self, context: Context) -> Decision:
        """Return one call at a time: of the goal, a repair or a replayed plan, or a random legal call."""
        if context.trigger is Trigger.START:
            self._begin(ground(context.task.text, context.skills))
            if not self._goals:
                hits = self._recall(context.observation.text, WON_EPISODES, context)
                self._replay = Replay(hits, context)
        elif context.last is not None:
            self._revise(context)
        return self._next(context)

    def reflect(self, trace: Trace, outcome: Outcome) -> Reflection:
        """Return the repairs found in a won episode, and whether recalled ones helped.

        A lost episode gives only negative feedback: storing its repairs taught superstitions.
        """
        if not outcome.is_success:
            return Reflection(feedback=self._votes(was_won=False))
        if trace.calls and trace.calls[-1].result.status is SkillStatus.ENDED:
            for frame in self._stack:  # the episode ended within the winning call, so all its repairs worked
                self._note_success(frame)
        return Reflection(
            experiences=self._lessons.experiences(trace.task), feedback=self._votes(was_won=True)
        )

    def _votes(self, *, was_won: bool) -> dict[str, bool]:
        return {**self._replay.votes(was_won=was_won), **self._lessons.votes(was_won=was_won)}

    # State of the episode

    def _begin(self, goals: list[Goal]) -> None:
        self._goals, self._next_goal = goals, 0
        self._stack: list[_Frame] = []
        self._is_exploring = False
        self._n_succeeded = 0
        self._done: set[tuple[str, str]] = set()  # (skill, object) of goals that did not end the episode
        self._lessons = Lessons()
        self._recalled: dict[str, list[Recalled]] = {}
        self._replay = Replay()

    def _note_success(self, frame: _Frame) -> None:
        if frame.obstacle is not None:
            self._lessons.worked(frame.obstacle)

    # Revise: process the last call's result

    def _revise(self, context: Context) -> None:
        last = context.last
        assert last is not None
        self._n_succeeded += last.result.is_success
        was_exploring, self._is_exploring = self._is_exploring, False
        if was_exploring or not self._stack:
            return
        if last.result.is_success:
            self._succeeded(self._stack[-1])
        else:
            self._failed(self._stack[-1], context)

    def _succeeded(self, frame: _Frame) -> None:
        self._note_success(frame)
        self._stack.pop()
        if frame.goal is not None:
            self._done |= {(frame.call.name, str(value)) for value in frame.call.arguments.values()}
            self._next_goal += 1
        elif frame.rest:
            self._stack.append(_Frame(frame.rest[0], rest=frame.rest[1:]))

    def _failed(self, frame: _Frame, context: Context) -> None:
        assert context.last is not None
        now = Obstacle.of(context.last)
        met = frame.met.get(now.situation)
        if met is None:
            self._note_success(frame)  # a new obstacle is progress, one met before is not
            met = frame.met[now.situation] = now
            met.repairs = distinct_repairs(self._lessons.known(met.situation), self._retrieve(met, context))
        elif met is frame.obstacle and met.current and _n_known(context) > met.n_known:
            met.current.uses = 0
            self._lessons.brought_news(met.current)
        met.roles = now.roles
        frame.obstacle = met

    def _retrieve(self, met: Obstacle, context: Context) -> list[Recalled]:
        """Recall experiences for the obstacle; if some have exactly its situation, only those."""
        if met.situation not in self._recalled:
            hits = self._recall(met.situation, REPAIRS_THAT_WORKED, context)
            same = [hit for hit in hits if hit.experience.state == met.situation]
            self._recalled[met.situation] = same or [hit for hit in hits if self._fits(hit)]
        return self._recalled[met.situation]

    def _fits(self, hit: Recalled) -> bool:
        """Whether it is about a similar situation; within a task kind its task alone gives a high score."""
        return hit.similarities.get("state", 1.0) >= self.min_similarity

    def _recall(self, state: str, kept: Where, context: Context) -> list[Recalled]:
        """Recall what fits the task and a state: a situation, or what is seen at the start."""
        query = Query(task=context.task, state=state, where=kept, k=self.k, min_score=self.min_score)
        return context.recall(query)

    # What to do next

    def _next(self, context: Context) -> Decision:
        if self._next_goal >= len(self._goals):
            # All goals were reached and the episode continues, so it wants something else; or there is none.
            self._next_goal = 0
            return self._replay.next(context.skills) or self._explore(None, context)
        if not self._stack:
            goal = self._goals[self._next_goal]
            self._stack.append(_Frame(SkillCall(goal.skill, dict(goal.phrases)), goal=goal))
        while True:
            top = self._stack[-1]
            if top.obstacle is None or top.tried_at < self._n_succeeded:
                top.tried_at = self._n_succeeded
                return self._try(top, context)
            top.obstacle.n_known = _n_known(context)
            step = self._reuse(top.obstacle)
            if step is not None:
                return step
            if top.goal is not None or not self._should_give_up(top.obstacle):
                return self._explore(top, context)
            self._give_up()

    def _should_give_up(self, obstacle: Obstacle) -> bool:
        """Whether to give up a step of a repair: the frame below may succeed now, or enough was tried."""
        below = self._stack[-2]
        return below.tried_at < self._n_succeeded or obstacle.n_explored >= self.patience

    def _try(self, frame: _Frame, context: Context) -> Act:
        if frame.goal is not None:
            frame.call = SkillCall(frame.goal.skill, self._arguments(frame, frame.goal, context))
        return Act(plan=(frame.call,), reason="goal" if frame.goal else "step of a repair")

    def _arguments(self, frame: _Frame, goal: Goal, context: Context) -> JsonObject:
        """The goal's arguments: the object chosen before, else a known one not done yet, else the phrase."""
        skill = next((skill for skill in context.skills if skill.name == goal.skill), None)
        arguments: JsonObject = {}
        for parameter in skill.parameters if skill else ():
            phrase = goal.phrases.get(parameter.name, "")
            fitting = meant(phrase, parameter.choices)
            fresh = [choice for choice in fitting if (goal.skill, choice) not in self._done]
            chosen = frame.call.arguments.get(parameter.name)
            arguments[parameter.name] = chosen if chosen in fresh else (fresh or fitting or [phrase])[0]
        return arguments

    # Reuse: the next repair that applies to the objects at hand

    def _reuse(self, obstacle: Obstacle) -> Act | None:
        if len(self._stack) > self.max_depth:
            return None
        under_way = {entry.call for entry in self._stack}
        allowed = self.rounds * (1 + obstacle.n_explored)
        usable = [repair for repair in obstacle.repairs if not repair.has_failed and repair.uses < allowed]
        for repair in sorted(usable, key=lambda repair: repair.uses):  # stable: best first within a round
            plan = obstacle.grounded(repair)
            if plan and not under_way & set(plan):
                return self._apply(repair, plan, obstacle)
        return None

    def _apply(self, repair: Repair, plan: tuple[SkillCall, ...], obstacle: Obstacle) -> Act:
        repair.uses += 1
        obstacle.current = repair
        self._lessons.tried(repair)
        shown = [hit.experience.id for hit in self._recalled.get(obstacle.situation, [])]
        self._stack.append(_Frame(plan[0], rest=plan[1:], tried_at=self._n_succeeded))
        return Act(
            plan=plan[:1],
            shown=tuple(shown),
            acted_on=repair.sources,
            obstacle=obstacle.kind,
            reason=f"repair of: {obstacle.situation}",
        )

    def _give_up(self) -> None:
        """Give up the step on top; the frame below tries its next repair, or its own call again."""
        self._stack.pop()
        below = self._stack[-1].obstacle
        if below is not None and below.current is not None:
            below.current.has_failed = True

    def _explore(self, frame: _Frame | None, context: Context) -> Decision:
        call = random_call(context.skills, context.rng)
        if call is None:
            return Stop("nothing can be called")
        obstacle = frame.obstacle if frame else None
        if obstacle is not None:
            obstacle.explored_with(call)
            for repair in obstacle.repairs:
                repair.has_failed = False  # the world may have changed by then
        self._is_exploring = True
        return Act(plan=(call,), obstacle=obstacle.kind if obstacle else "", reason="exploring")


def _n_known(context: Context) -> int:
    """Number of things the agent knows: all distinct choices of skill arguments."""
    return len(
        {choice for skill in context.skills for p in skill.parameters for choice in map(str, p.choices)}
    )
