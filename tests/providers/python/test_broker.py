# SPDX-License-Identifier: Apache-2.0
"""stokehold_iap against a real broker at SERVER: the service `lasers` with its key in SERVICE_KEY,
ten credits on the account in RICH, none on the one in POOR."""

import os
import types
import unittest

from stokehold_iap import (
    AccessError, InsufficientCreditError, UserError, authorize, cancel, capture, charge, jsonrpc,
)

SERVER, SERVICE_KEY = os.environ["SERVER"], os.environ["SERVICE_KEY"]
RICH, POOR = os.environ["RICH"], os.environ["POOR"]
MAXIMUM_POWER = 5


def available(account_token=RICH):
    params = {"service_name": "lasers", "account_token": account_token}
    return jsonrpc(SERVER + "/iap/1/balance", params=params)


class Laser:
    """The documented example of a provider: however strong the shot, two credits at the most."""

    env = types.SimpleNamespace(endpoint=SERVER + "/")

    def shoot(self, account_token, target, factor=1.0):
        credits = int(MAXIMUM_POWER * factor)
        description = "A demonstration of power"
        with charge(self.env, SERVICE_KEY, account_token, credits, description) as transaction:
            transaction.credit = min(credits, 2)
            return self.planets.pop(target)

    def __init__(self):
        self.planets = {"Alderaan": "gone"}


class Broker(unittest.TestCase):
    def assert_costs(self, cost):
        """The work of this test has cost so much, and left nothing on hold."""
        before = available()
        self.addCleanup(lambda: self.assertAlmostEqual(before - available(), cost, places=6))

    def test_the_lowered_amount_is_captured(self):
        self.assert_costs(2)
        self.assertEqual(Laser().shoot(RICH, "Alderaan"), "gone")

    def test_what_the_body_raises_cancels(self):
        self.assert_costs(0)
        with self.assertRaisesRegex(KeyError, "Yavin"):
            Laser().shoot(RICH, "Yavin")

    def test_credits_on_hold_are_nobody_elses(self):
        self.assert_costs(0.000001)
        before = available()
        with charge(SERVER, SERVICE_KEY, RICH, before) as transaction:
            self.assertEqual(available(), 0)
            with self.assertRaises(InsufficientCreditError):
                authorize(SERVER, SERVICE_KEY, RICH, 0.000001)
            transaction.credit = 0.000001

    def test_too_few_credits_say_where_to_buy(self):
        self.assert_costs(0)
        for account_token in (RICH, POOR, "nobody-has-this-token"):
            with self.assertRaises(InsufficientCreditError) as caught:
                authorize(SERVER, SERVICE_KEY, account_token, 10.5, credit_template="<p>Buy</p>")
            details = caught.exception.details
            self.assertEqual(
                (details["credit"], details["service_name"], details["trial"], details["body"]),
                (10.5, "lasers", False, "<p>Buy</p>"),
            )
            self.assertTrue(details["base_url"].endswith("/iap/1/credit"), details)
            self.assertTrue(details["title"] and details["message"], details)

    def test_a_wrong_key_is_an_access_error(self):
        self.assert_costs(0)
        with self.assertRaisesRegex(AccessError, "key"), charge(SERVER, "wrong", RICH, 1):
            self.fail("there is no hold")
        token = authorize(SERVER, SERVICE_KEY, RICH, 1)
        for end in (lambda: capture(SERVER, token, "wrong", 1),
                    lambda: cancel(SERVER, token, "wrong")):
            self.assertRaises(AccessError, end)
        cancel(SERVER, token, SERVICE_KEY)

    def test_an_unknown_transaction_is_an_access_error(self):
        with self.assertRaises(AccessError):
            cancel(SERVER, "no-such-transaction", SERVICE_KEY)

    def test_an_amount_out_of_range_is_a_type_error(self):
        self.assert_costs(0)
        for credit in (-1, 1e-9):
            with self.assertRaises(TypeError):
                authorize(SERVER, SERVICE_KEY, RICH, credit)

    def test_ending_twice_is_ending_once(self):
        self.assert_costs(0.25)
        captured = authorize(SERVER, SERVICE_KEY, RICH, 1, ttl=0.5)
        for _ in range(2):
            capture(SERVER, captured, SERVICE_KEY, 0.25)
        cancelled = authorize(SERVER, SERVICE_KEY, RICH, 1)
        for _ in range(2):
            cancel(SERVER, cancelled, SERVICE_KEY)
        self.assertRaises(UserError, cancel, SERVER, captured, SERVICE_KEY)
        self.assertRaises(UserError, capture, SERVER, cancelled, SERVICE_KEY, 1)

    def test_a_capture_of_nothing_releases_all(self):
        self.assert_costs(0)
        with charge(SERVER, SERVICE_KEY, RICH, 3) as transaction:
            transaction.credit = 0

    def test_the_sandbox_has_tokens_for_trying(self):
        with charge(SERVER, "any key", "111111", 1000):
            pass
        for account_token in ("000000", "000111"):
            with self.assertRaises(InsufficientCreditError):
                authorize(SERVER, "any key", account_token, 1)

    def test_a_path_that_is_not_there_says_so(self):
        with self.assertRaisesRegex(AccessError, "nothing at"):
            jsonrpc(SERVER + "/iap/1/refund", params={})


if __name__ == "__main__":
    unittest.main()
