# SPDX-License-Identifier: Apache-2.0
"""Charge a client's credits for a service that runs on a server of your own.

Copy this file beside your program: it needs Python 3.8 or later, and nothing else.

    from stokehold_iap import charge

    with charge("https://broker.example.com", SERVICE_KEY, account_token, 5, "Coal") as tx:
        used = burn_coal()
        tx.credit = min(tx.credit, used)

The body runs once the credits are held. When it ends well, `tx.credit` of them are captured. When
it raises, none are, and the exception goes on its way.

The first parameter, `env`, says where the broker is: its URL, or any object that has the URL as
its attribute `endpoint`.
"""

import contextlib
import http.client
import json
import logging
import math
import os
import urllib.error
import urllib.request
import uuid

__all__ = [
    "AccessError", "InsufficientCreditError", "Transaction", "UserError",
    "authorize", "cancel", "capture", "charge", "jsonrpc",
]

_logger = logging.getLogger(__name__)


class InsufficientCreditError(Exception):
    """The account has too few credits available, or does not exist.

    Its text is the JSON that clients of the protocol look for. `data` is the whole of what the
    broker answered, `details` that JSON as a dict: `credit`, `service_name`, `base_url` (where to
    buy), `title`, `message`, `trial` and, with a credit template, `body`.
    """

    def __init__(self, text, data=None):
        super().__init__(text)
        self.data = data or {}

    @property
    def details(self):
        """What the client needs to know to get more credits."""
        try:
            details = json.loads(str(self))
        except ValueError:
            details = None
        return details if isinstance(details, dict) else {"message": str(self)}


class AccessError(Exception):
    """The service key or the transaction is not valid, or the server did not answer as one."""


class UserError(Exception):
    """What was asked for cannot be done: the text says why."""


_CLASSES = {
    "InsufficientCreditError": InsufficientCreditError,
    "AccessError": AccessError,
    "UserError": UserError,
    "TypeError": TypeError,
}


class Transaction:
    """Credits on hold. Lower `credit`, and no more than that is captured."""

    def __init__(self, token, credit):
        self.token = token
        self._credit = credit

    @property
    def credit(self):
        """What will be captured. It can be lowered, never raised."""
        return self._credit

    @credit.setter
    def credit(self, credit):
        _check_amount(credit)
        if not 0 <= credit <= self._credit:
            raise ValueError(
                "cannot capture %s credits: %s are on hold; authorize more to begin with"
                % (credit, self._credit)
            )
        self._credit = credit


def jsonrpc(url, method="call", params=None, timeout=15):
    """Calls a JSON-RPC 2.0 server, and returns the result.

    An error of the server is raised as the class that it names, if it is one of the four that this
    module documents; any other error, and any failure to get an answer, as an `AccessError`.
    `timeout` is in seconds.
    """
    return _result(url, _post(url, *_request(method, params), timeout=timeout))


def authorize(env, key, account_token, credit, description=None, *, dbuuid=None,
              credit_template=None, ttl=None, timeout=15):
    """Holds `credit` credits of the account, and returns the transaction token.

    `description` is shown to the client. `dbuuid` is the client's database, which may be eligible
    for trial credits. `credit_template` is HTML, or the path of an HTML file, that tells a client
    with too few credits what they are good for. `ttl` is how many hours the hold may stay open; a
    broker's own time is long, so a little more than the work may take is better.
    """
    _check_amount(credit)
    params = {
        "key": key, "account_token": account_token, "credit": credit, "description": description,
    }
    if dbuuid:
        params["dbuuid"] = dbuuid
    if ttl is not None:
        params["ttl"] = ttl
    try:
        # The key is for the broker: it knows a repetition by it, and holds nothing twice.
        return _twice(env, "authorize", params, {"Idempotency-Key": uuid.uuid4().hex}, timeout)
    except InsufficientCreditError as error:
        if credit_template is not None:
            details = dict(error.details, body=_html(credit_template))
            error.args = (json.dumps(details),)
        raise


def capture(env, transaction_token, key, credit, timeout=15):
    """Captures `credit` credits of a hold, and releases the rest. Once is as good as twice."""
    _check_amount(credit)
    params = {"token": transaction_token, "key": key, "credit_to_capture": credit}
    return _twice(env, "capture", params, {}, timeout)


def cancel(env, transaction_token, key, timeout=15):
    """Releases a hold whole. Once is as good as twice."""
    params = {"token": transaction_token, "key": key}
    return _twice(env, "cancel", params, {}, timeout)


@contextlib.contextmanager
def charge(env, key, account_token, credit, description=None, *, dbuuid=None,
           credit_template=None, ttl=None, timeout=15):
    """Authorizes, runs the body, and captures `credit` of the `Transaction` that it yields.

    When the body raises, whatever it raises, the hold is cancelled and the exception goes on. The
    parameters are those of `authorize`.
    """
    token = authorize(
        env, key, account_token, credit, description,
        dbuuid=dbuuid, credit_template=credit_template, ttl=ttl, timeout=timeout,
    )
    transaction = Transaction(token, credit)
    try:
        yield transaction
    except BaseException:
        try:
            cancel(env, token, key, timeout)
        except Exception:  # the body's own exception is the one that counts
            _logger.exception("a hold was not cancelled, and stays until it expires")
        raise
    # After a capture whose answer was lost a cancel could only be wrong: its error goes out as is.
    capture(env, token, key, transaction.credit, timeout)


def _check_amount(credit):
    """Refuses what a broker would take for another amount: `False`, for one, for the whole hold."""
    if isinstance(credit, bool) or not isinstance(credit, (int, float)):
        raise TypeError("credit has to be an int or a float, and %r is not" % (credit,))
    if isinstance(credit, float) and not math.isfinite(credit):
        raise TypeError("credit has to be a finite number, and %r is not" % (credit,))


def _html(credit_template):
    if isinstance(credit_template, os.PathLike):
        with open(credit_template, encoding="utf-8") as file:
            return file.read()
    return credit_template


def _request(method, params):
    payload = {"jsonrpc": "2.0", "method": method, "params": params or {}, "id": uuid.uuid4().hex}
    body = json.dumps(payload, allow_nan=False).encode()
    return body, {"Content-Type": "application/json"}


def _twice(env, action, params, headers, timeout):
    """Asks the broker; once more, in the same words, where the connection broke."""
    endpoint = env if isinstance(env, str) else env.endpoint
    url = "%s/iap/1/%s" % (endpoint.rstrip("/"), action)
    body, json_headers = _request("call", params)
    headers = dict(json_headers, **headers)
    try:
        answer = _post(url, body, headers, timeout)
    except _ConnectionLost:
        answer = _post(url, body, headers, timeout)
    return _result(url, answer)


class _ConnectionLost(AccessError):
    """No whole answer, because the connection could not be made or broke."""


def _post(url, body, headers, timeout):
    """The HTTP status and the body of the answer, whatever they are."""
    request = urllib.request.Request(url, body, headers)
    try:
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        lost = isinstance(reason, (ConnectionError, http.client.IncompleteRead))
        kind = _ConnectionLost if lost else AccessError
        raise kind("%s did not answer: %s" % (url, reason)) from error


def _result(url, answer):
    status, body = answer
    try:
        answer = json.loads(body)
        # A result of null may be left out, the version never.
        if status < 400 and "error" not in answer and answer["jsonrpc"]:
            return answer.get("result")
        data = answer["error"]["data"]
        name, text = data["name"], data["message"]
        kind = _CLASSES.get(name.rpartition(".")[2])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise AccessError(
            "%s gave no JSON-RPC answer, but HTTP status %s and %.80r" % (url, status, body)
        ) from error
    if kind is InsufficientCreditError:
        raise InsufficientCreditError(text, data)
    if kind is None:
        raise AccessError("%s failed: %s (%s)" % (url, text, name))
    raise kind(text)
