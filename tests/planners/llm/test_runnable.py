"""A user's own runnable or agent as the planner: real ones of LangChain and LangGraph."""

import pytest
from key_door_scripts import right_line
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, MessagesState, StateGraph

from embodied_mem import Agent
from embodied_mem.errors import EpisodeError
from embodied_mem.planners import make_planner
from embodied_mem.testing.key_door import KeyDoorEnv, KeyDoorWorld


def play(runnable, **options):
    agent = Agent(planner=make_planner("runnable", runnable=runnable, **options))
    return agent.run_episode(KeyDoorWorld(KeyDoorEnv(max_steps=20)), seed=0)


def said(messages):
    """The prompt that a runnable got, as text."""
    return messages[-1][1] if isinstance(messages[-1], tuple) else messages[-1].content


def test_a_runnable_that_answers_with_text_wins():
    episode = play(RunnableLambda(lambda messages: right_line(said(messages))))
    assert episode.outcome.is_success


def test_an_agent_of_langgraph_gets_and_gives_messages():
    def act(state):
        return {"messages": [AIMessage(right_line(said(state["messages"])))]}

    graph = StateGraph(MessagesState)
    graph.add_node("act", act)
    graph.add_edge(START, "act")
    graph.add_edge("act", END)
    assert play(graph.compile(), messages_key="messages").outcome.is_success


def test_what_it_raises_ends_the_episode_with_its_cause():
    def broken(messages):
        raise ValueError("no idea")

    episode = play(RunnableLambda(broken), label="mine")
    assert episode.trace.ended_by == "planner_error"
    assert "mine raised ValueError: no idea" in episode.trace.error


def test_a_call_that_cannot_be_made_is_asked_for_anew_and_then_given_up():
    asked = []

    def fly(messages):
        asked.append(messages)
        return "fly(moon)"

    episode = play(RunnableLambda(fly), max_rounds=1)
    assert len(asked) == 2
    assert "fly" in episode.trace.decisions[-1].reason


def test_what_is_no_runnable_is_refused_by_name():
    with pytest.raises(EpisodeError, match="ainvoke"):
        make_planner("runnable", runnable=print)
