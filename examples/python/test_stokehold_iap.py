# SPDX-License-Identifier: Apache-2.0
"""Tests of stokehold_iap against a server that answers what a test tells it to.

    python3 -m unittest
"""

import http.server
import json
import logging
import pathlib
import tempfile
import threading
import types
import unittest

import stokehold_iap as iap

HANG_UP = object()
SHORTAGE = {"credit": 3, "service_name": "coal", "base_url": "http://b/iap/1/credit",
            "title": "Empty", "message": "No coal", "trial": True}


def result(value):
    return 200, {"jsonrpc": "2.0", "id": 1, "result": value}


def error(name, message, status=200):
    data = {"name": name, "message": message, "debug": ""}
    return status, {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "", "data": data}}


class Server(http.server.ThreadingHTTPServer):
    """Gives the answers in turn, and keeps what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = [], []
        self.endpoint = "http://127.0.0.1:%d" % self.server_port

    def steps(self):
        return [path.rpartition("/")[2] for path, _, _ in self.asked]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers, body))
        answer = self.server.answers.pop(0)
        if answer is HANG_UP:
            self.close_connection = True
            return
        status, content = answer
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


class Case(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def answer(self, *answers):
        self.server.answers = list(answers)

    def charge(self, credit=5, *args, **options):
        return iap.charge(self.server.endpoint, "key", "account", credit, *args, **options)

    def params(self, index):
        return self.server.asked[index][2]["params"]


class Charge(Case):
    def test_the_lowered_amount_is_captured(self):
        self.answer(result("tx1"), result(True))
        with self.charge(5, "Why", dbuuid="db", ttl=0.5) as tx:
            tx.credit = min(tx.credit, 2)
        self.assertEqual(self.server.steps(), ["authorize", "capture"])
        self.assertEqual(self.params(0), {
            "key": "key", "account_token": "account", "credit": 5, "description": "Why",
            "dbuuid": "db", "ttl": 0.5,
        })
        self.assertEqual(self.params(1), {"key": "key", "token": "tx1", "credit_to_capture": 2})

    def test_nothing_is_captured_of_zero(self):
        self.answer(result("tx1"), result(True))
        with self.charge() as tx:
            tx.credit = 0
        captured = self.params(1)["credit_to_capture"]
        self.assertEqual((captured, type(captured)), (0, int))

    def test_whatever_the_body_raises_cancels_and_goes_on(self):
        for kind in (ValueError, KeyboardInterrupt, GeneratorExit, SystemExit):
            self.server.asked.clear()
            self.answer(result("tx1"), result(True))
            with self.assertRaises(kind), self.charge():
                raise kind("why")
            self.assertEqual(self.server.steps(), ["authorize", "cancel"])

    def test_a_failed_cancel_does_not_hide_why_the_body_failed(self):
        self.answer(result("tx1"), error("odoo.exceptions.AccessError", "no"))
        with self.assertLogs("stokehold_iap", logging.ERROR), self.assertRaises(ValueError):
            with self.charge():
                raise ValueError("why")

    def test_the_amount_is_never_raised_nor_a_whole_hold_by_mistake(self):
        for credit, kind in ((6, ValueError), (-1, ValueError), (False, TypeError),
                             (None, TypeError), ("2", TypeError), (float("nan"), TypeError)):
            self.server.asked.clear()
            self.answer(result("tx1"), result(True))
            with self.assertRaises(kind), self.charge() as tx:
                tx.credit = credit
            self.assertEqual(self.server.steps(), ["authorize", "cancel"])
        with self.assertRaises(TypeError):
            iap.capture(self.server.endpoint, "tx1", "key", False)

    def test_a_failed_capture_cancels_nothing(self):
        self.answer(result("tx1"), error("odoo.exceptions.UserError", "expired"))
        with self.assertRaisesRegex(iap.UserError, "expired"), self.charge():
            pass
        self.assertEqual(self.server.steps(), ["authorize", "capture"])

    def test_without_a_hold_the_body_does_not_run(self):
        for name, kind in (("odoo.exceptions.AccessError", iap.AccessError),
                           ("builtins.TypeError", TypeError)):
            self.answer(error(name, "no"))
            with self.assertRaisesRegex(kind, "^no$"), self.charge():
                self.fail("there is no hold")

    def test_an_amount_that_is_none_is_not_sent(self):
        for credit in (True, "5", None, float("inf"), [5]):
            with self.assertRaises(TypeError), self.charge(credit):
                self.fail("there is no hold")
        self.assertEqual(self.server.asked, [])

    def test_env_may_be_an_object(self):
        self.answer(result("tx1"))
        env = types.SimpleNamespace(endpoint=self.server.endpoint + "/")
        self.assertEqual(iap.authorize(env, "key", "account", 0.1), "tx1")
        self.assertEqual(self.server.asked[0][0], "/iap/1/authorize")


class Shortage(Case):
    NAME = "odoo.addons.iap.tools.iap_tools.InsufficientCreditError"

    def refused(self, message, **options):
        self.answer(error(self.NAME, message))
        with self.assertRaises(iap.InsufficientCreditError) as caught, self.charge(3, **options):
            self.fail("there is no hold")
        return caught.exception

    def test_its_text_is_json(self):
        shortage = self.refused(json.dumps(SHORTAGE))
        self.assertEqual(json.loads(shortage.args[0]), SHORTAGE)
        self.assertEqual((shortage.details, shortage.data["name"]), (SHORTAGE, self.NAME))

    def test_a_credit_template_becomes_its_body(self):
        shortage = self.refused(json.dumps(SHORTAGE), credit_template="<p>coal</p>")
        self.assertEqual(shortage.details, dict(SHORTAGE, body="<p>coal</p>"))
        self.assertEqual(json.loads(str(shortage))["body"], "<p>coal</p>")

    def test_a_credit_template_may_be_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            template = pathlib.Path(folder, "no-credit.html")
            template.write_text("<p>5 € of coal</p>", encoding="utf-8")
            shortage = self.refused(json.dumps(SHORTAGE), credit_template=template)
        self.assertEqual(shortage.details["body"], "<p>5 € of coal</p>")

    def test_plain_words_are_kept(self):
        for text in ("no coal", "17", "[1]"):
            self.assertEqual(self.refused(text).details, {"message": text})
        shortage = self.refused("no coal", credit_template="<p>")
        self.assertEqual(shortage.details, {"message": "no coal", "body": "<p>"})


class Transport(Case):
    def test_a_lost_answer_is_asked_for_again_as_the_same_request(self):
        self.answer(HANG_UP, result("tx1"), HANG_UP, result(True))
        with self.charge():
            pass
        self.assertEqual(self.server.steps(), ["authorize"] * 2 + ["capture"] * 2)
        (_, first, body), (_, second, again) = self.server.asked[:2]
        self.assertEqual(body, again)
        self.assertEqual(first["Idempotency-Key"], second["Idempotency-Key"])

    def test_each_authorization_has_a_key_of_its_own(self):
        self.answer(result("tx1"), result("tx2"))
        for _ in range(2):
            iap.authorize(self.server.endpoint, "key", "account", 1)
        keys = {headers["Idempotency-Key"] for _, headers, _ in self.server.asked}
        self.assertEqual(len(keys - {None}), 2)

    def test_one_retry_is_all(self):
        self.answer(HANG_UP, HANG_UP, result("tx1"))
        with self.assertRaisesRegex(iap.AccessError, "did not answer"):
            iap.cancel(self.server.endpoint, "tx1", "key")
        self.assertEqual(len(self.server.asked), 2)

    def test_a_server_that_is_not_there_is_an_access_error(self):
        with self.assertRaises(iap.AccessError):
            iap.authorize("http://127.0.0.1:1", "key", "account", 1)

    def test_other_answers_are_access_errors(self):
        for answer in ((200, b"<html>"), (200, []), (200, {}), (502, b""), (200, {"error": None}),
                       (500, result("tx1")[1]), (200, b"\xff"),
                       (200, {"jsonrpc": "2.0", "error": {"data": {"name": None, "message": ""}}}),
                       error("stokehold.exceptions.Unavailable", "later")):
            self.answer(answer)
            with self.assertRaises(iap.AccessError):
                iap.jsonrpc(self.server.endpoint)

    def test_an_error_counts_whatever_the_status(self):
        self.answer(error("odoo.exceptions.UserError", "no such coal", 404))
        with self.assertRaisesRegex(iap.UserError, "no such coal"):
            iap.jsonrpc(self.server.endpoint, params={"a": 1}, timeout=5)

    def test_a_result_may_be_left_out(self):
        self.answer((200, {"jsonrpc": "2.0", "id": 1}))
        self.assertIsNone(iap.jsonrpc(self.server.endpoint))
        self.assertEqual(self.server.asked[0][2]["params"], {})


if __name__ == "__main__":
    unittest.main()
