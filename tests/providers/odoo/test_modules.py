# SPDX-License-Identifier: Apache-2.0
"""The two Odoo modules, on stubs of Odoo, against a real server: SERVER, with the service key of
its coal roller in SERVICE_KEY, an account with credits in RICH and one without in POOR."""

import json
import os
import threading
import unittest

import stub

SERVER = os.environ["SERVER"]
HOSTED = SERVER + "/services/coalroller"


def database(version, token="RICH", **parameters):
    parameters.setdefault("coalroller__credits", "0.02")
    env = stub.Database(version, {"coalroller": os.environ[token]}, iap__endpoint=SERVER,
                        database__uuid="4f5ffa34-e67a-11f1-83bd-02fc00000001", **parameters)
    return env


def client(version, **parameters):
    env = database(version, **parameters)
    env.install("coalroller")
    return env


def provider(test, version, **parameters):
    """A server with the provider's module, and its endpoint."""
    parameters.setdefault("coalroller__service_key", os.environ["SERVICE_KEY"])
    env = database(version, **parameters)
    env.install("coalroller_service")
    from odoo.addons.coalroller_service.controllers.main import CoalRoller
    server = stub.Server(env, CoalRoller())
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    test.addCleanup(server.server_close)
    test.addCleanup(thread.join)
    test.addCleanup(server.shutdown)
    return server.endpoint


class Modules(unittest.TestCase):
    def test_manifests_are_complete(self):
        for name in ("coalroller", "coalroller_service"):
            manifest = stub.Database(18).install(name)
            self.assertEqual(manifest["license"], "Other OSI approved licence")
            self.assertEqual(manifest["depends"], ["iap"])

    def test_the_button_is_on_the_form_and_its_method_in_the_model(self):
        for version in (17, 18):
            env = client(version)
            [button] = env.forms["base.view_partner_form"].iterfind(".//div/button")
            self.assertEqual("".join(button.itertext()).strip(), "Roll Coal")
            self.assertTrue(callable(getattr(env["res.partner"], button.get("name"))))

    def test_18_learns_of_the_service_once(self):
        env = client(18)
        env.install("coalroller")
        [service] = env["iap.service"]
        self.assertEqual(service["technical_name"], "coalroller")
        self.assertEqual(set(service), {"name", "technical_name", "description", "unit_name",
                                        "integer_balance"})


class Rolling(unittest.TestCase):
    def roll(self, env):
        return env["res.partner"].action_partner_coalroll()

    def assert_rolled(self, action):
        self.assertEqual((action["type"], action["tag"]),
                         ("ir.actions.client", "display_notification"))
        self.assertRegex(action["params"]["message"], r"^[1-9]\d* passphrases .*: \S+$")

    def test_on_the_hosted_coal_roller(self):
        for version in (17, 18):
            self.assert_rolled(self.roll(client(version, coalroller__endpoint=HOSTED + "/")))

    def test_on_a_server_with_the_module_of_the_provider(self):
        for version in (17, 18):
            endpoint = provider(self, version)
            self.assert_rolled(self.roll(client(version, coalroller__endpoint=endpoint)))

    def test_too_few_credits_are_told_with_the_template(self):
        for endpoint in (HOSTED, provider(self, 17)):
            env = client(17, token="POOR", coalroller__endpoint=endpoint)
            with self.assertRaises(stub.InsufficientCreditError) as caught:
                self.roll(env)
            shortage = json.loads(str(caught.exception))
            self.assertEqual(shortage["credit"], 0.02)
            self.assertEqual(shortage["service_name"], "coalroller")
            self.assertIn("Your coal bunker is empty", shortage["body"])
            self.assertTrue(shortage["base_url"].startswith(SERVER), shortage)

    def test_bad_amounts_and_keys_cost_nothing(self):
        for endpoint, credits in ((provider(self, 18), "-1"), (provider(self, 18), "7"),
                                  (provider(self, 18, coalroller__service_key="no"), "0.02")):
            env = client(18, coalroller__endpoint=endpoint, coalroller__credits=credits)
            with self.assertRaises(stub.AccessError):
                self.roll(env)


if __name__ == "__main__":
    unittest.main()
