"""Counts the words and characters of a text, for a hundredth of a credit per 1,000 characters."""

import json
import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.types import Failure_UserError, Quote, Request

PRICE_MICROCREDITS = 10_000
"""What every 1,000 characters cost that have begun, in millionths of a credit."""
CHARACTERS = 1_000
"""What is paid for at a time."""


class Service(exports.Service):
    """The host calls what the contract, wit/service.wit, says of `interface service`."""

    def quote(self, request: Request) -> Quote:
        """What a call costs is known before it is paid for: the text is there."""
        thousands = max(1, -(-len(text_of(request)) // CHARACTERS))
        description = f"Words counted, {thousands} × 1,000 characters"
        return Quote(thousands * PRICE_MICROCREDITS, description)

    def handle(self, request: Request) -> str:
        """It runs once the credits are held, in an instance of its own."""
        text = text_of(request)
        words = len(re.findall(r"[^ \t\n\f\r]+", text))
        return json.dumps({"words": words, "characters": len(text)})


def text_of(request: Request) -> str:
    """The parameter of the route `count`."""
    if request.route != "count":
        raise user_error(f"There is no route `{request.route}` in this service; it has: count")
    params = json.loads(request.params)
    if "text" not in params:
        raise user_error("params: missing field `text`")
    if not isinstance(params["text"], str):
        raise user_error("params.text: it must be a string")
    return params["text"]


def user_error(message: str) -> Err[Failure_UserError]:
    """The client can mend it, is told so, and pays nothing. Any other exception traps."""
    return Err(Failure_UserError(message))
