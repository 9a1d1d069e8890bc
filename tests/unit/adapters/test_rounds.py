"""When somebody who is asked is asked next."""

from __future__ import annotations

from adapters.links.rounds import PAUSE_S, Turn


def test_who_answers_is_asked_at_its_pace_and_missed_turns_are_not_made_up_for() -> None:
    turn = Turn(100.0)
    turn.answered(100.2, 5.0)
    assert turn.due == 105.0, "the pace holds, however long an answer takes"
    turn.answered(131.0, 5.0)
    assert turn.due == 131.0


def test_who_does_not_answer_is_asked_less_and_less_until_it_does() -> None:
    turn, now, pauses = Turn(0.0), 0.0, []
    for _ in range(9):
        turn.missed(now)
        pauses.append(turn.due - now)
        now = turn.due
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert pauses[-1] == PAUSE_S[1]
    turn.answered(now, 5.0)
    turn.missed(now)
    assert turn.due - now == PAUSE_S[0]
