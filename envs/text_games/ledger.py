"""The knowledge ledger of text games: the facts that this world tells a planner, and where, without learning.

Read results together with this list. What is not on it has to be learnt: what to do in which order, what a
task needs, where things belong. Each engine adds what it reveals beyond this; see
`docs/text-worlds.md`.
"""

from embodied_mem.envs.knowledge import Revealed

KNOWLEDGE: tuple[Revealed, ...] = (
    Revealed("which commands are admissible now, and the things that they name", "skills and their choices"),
    Revealed("which kinds of command the engine has", "names of skills; any of them may be called"),
    Revealed("the answer to the last command, the place and what is carried, without a step", "text, raw"),
    Revealed("the objective, as the game words it", "task"),
    Revealed("the score, as a share of the maximum", "facts, reward"),
    Revealed("every thing seen or named in an admissible command in this episode", "facts known"),
    Revealed("that a command had no effect, and why, in the game's own words", "failure refused"),
    Revealed(
        "the kind of game, its options, and whether two problems are the same", "task kind and instance"
    ),
)
