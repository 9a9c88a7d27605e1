"""The contract of forgetting policies notices each planted fault."""

import math
import random
from typing import ClassVar

import pytest
from planted import failures

from embodied_mem.memory.forgetting import Fifo
from embodied_mem.testing import ForgettingContract


class KeepsTheRemoved(Fifo):
    def removed(self, item_id):
        return


class RemembersStrangers(Fifo):
    def used(self, item_id, *, at, helped=None):
        self._added_at.setdefault(item_id, at)


class FailsOnStrangers(Fifo):
    def removed(self, item_id):
        del self._added_at[item_id]


class TossesACoin(Fifo):
    """As MemoryBank's code does over what to delete."""

    def retention(self, *, at):
        return {item_id: random.random() for item_id in self._added_at}


class HandsOutItsOwn(Fifo):
    def retention(self, *, at):
        return self._added_at


class CountsBeingAsked(Fifo):
    def retention(self, *, at):
        for item_id in self._added_at:
            self._added_at[item_id] += 1
        return dict(self._added_at)


class Shared(Fifo):
    """Keeps what it knows in the class."""

    everything: ClassVar[dict] = {}

    def __init__(self):
        self._added_at = self.everything


class NotANumber(Fifo):
    def retention(self, *, at):
        return dict.fromkeys(self._added_at, math.nan)


class ForgetsWhatWasUsed(Fifo):
    def used(self, item_id, *, at, helped=None):
        self.removed(item_id)


class ListsEachTimeAdded(Fifo):
    def added(self, item, *, at):
        self._added_at[f"{item.id}{' again' * (item.id in self._added_at)}"] = at


class HasNoRemoved:
    def added(self, item, *, at):
        return

    def used(self, item_id, *, at, helped=None):
        return

    def retention(self, *, at):
        return {}


@pytest.mark.parametrize(
    ("faulty", "noticed"),
    [
        (KeepsTheRemoved, "test_lists_what_was_added_and_not_removed"),
        (RemembersStrangers, "test_ids_it_does_not_know_are_ignored"),
        (FailsOnStrangers, "test_ids_it_does_not_know_are_ignored"),
        (TossesACoin, "test_a_replay_lets_go_of_the_same"),
        (HandsOutItsOwn, "test_what_it_gave_is_not_changed_by_what_comes_later"),
        (CountsBeingAsked, "test_asking_changes_nothing"),
        (Shared, "test_a_new_policy_remembers_nothing"),
        (NotANumber, "test_retention_is_a_number"),
        (ForgetsWhatWasUsed, "test_lists_what_was_added_and_not_removed"),
        (ListsEachTimeAdded, "test_adding_again_lists_it_once"),
        (KeepsTheRemoved, "test_lets_go_of_no_more_than_there_is"),
        (HasNoRemoved, "test_is_a_forgetting_policy"),
    ],
)
def test_a_planted_fault_is_noticed(faulty, noticed):
    assert noticed in failures(ForgettingContract, make_policy=lambda: faulty)


def test_a_right_policy_passes_whole():
    assert failures(ForgettingContract, make_policy=lambda: Fifo) == []
