# SPDX-License-Identifier: Apache-2.0
"""A paid service with a server of its own: it counts words, at a credit for a hundred.

    SERVICE_KEY=… BROKER=http://127.0.0.1:8070 LISTEN=127.0.0.1:8072 python3 provider.py

Then send a JSON-RPC request with the params `account_token` and `text` to `/count`.
"""

import collections
import http.server
import json
import os
import pathlib
import sys

# A program of your own has its copy of the file beside it.
sys.path.append(str(pathlib.Path(__file__).parents[1] / "python"))
from stokehold_iap import AccessError, InsufficientCreditError, UserError, charge  # noqa: E402

BROKER, SERVICE_KEY = os.environ["BROKER"], os.environ["SERVICE_KEY"]
NO_CREDIT = pathlib.Path(__file__).with_name("no-credit.html")
CREDITS_PER_WORD = 0.01
CREDITS_MIN = 0.01
TTL_HOURS = 1 / 60


def count(account_token, text):
    """Counts the words of a text. Whoever repeats himself pays for each word once."""
    words = text.lower().split()
    price = max(CREDITS_MIN, round(len(words) * CREDITS_PER_WORD, 6))
    with charge(BROKER, SERVICE_KEY, account_token, price, "Words, counted",
                credit_template=NO_CREDIT, ttl=TTL_HOURS) as tx:
        if not words:
            raise UserError("There is no word in it to count.")
        counts = collections.Counter(words)
        tx.credit = min(tx.credit, round(len(counts) * CREDITS_PER_WORD, 6))
    return {"words": len(words), "most_common": counts.most_common(1)[0][0]}


def answer(body):
    """The JSON-RPC answer to a request."""
    request = json.loads(body)
    try:
        params = request["params"]
        outcome = {"result": count(params["account_token"], str(params["text"]))}
    except InsufficientCreditError as error:
        # Passed on as it is: clients know it, and show its text, which says where to buy.
        outcome = fault("odoo.addons.iap.tools.iap_tools.InsufficientCreditError", str(error))
    except UserError as error:
        outcome = fault("odoo.exceptions.UserError", str(error))
    except (AccessError, TypeError, KeyError) as error:
        print("no charge:", error, file=sys.stderr)
        outcome = fault("odoo.exceptions.AccessError", "The service failed; try again later.")
    return {"jsonrpc": "2.0", "id": request.get("id"), **outcome}


def fault(name, message):
    data = {"name": name, "message": message, "debug": ""}
    return {"error": {"code": 200, "message": "The service was not provided", "data": data}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/count":
            return self.send_error(404)
        content = json.dumps(answer(request)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    host, _, port = os.environ.get("LISTEN", "127.0.0.1:8072").rpartition(":")
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    print("listening on http://%s:%d" % server.server_address, flush=True)
    server.serve_forever()
