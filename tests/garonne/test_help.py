"""Who types `--help` learns what every command and every word of it does."""

import argparse
from collections.abc import Iterator

from garonne.__main__ import parser

Parser = argparse.ArgumentParser


def below(one: Parser) -> Iterator[Parser]:
    yield one
    for action in one._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from below(child)


def test_every_command_says_what_it_does() -> None:
    assert [] == [one.prog for one in below(parser()) if not one.description]


def test_every_word_of_a_command_is_explained() -> None:
    mute = [
        f"{one.prog} {action.dest}"
        for one in below(parser())
        for action in one._actions
        if not action.help and not isinstance(action, argparse._SubParsersAction)
    ]

    assert [] == mute
