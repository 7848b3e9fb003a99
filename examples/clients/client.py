# SPDX-License-Identifier: Apache-2.0
"""A client of the hosted coal roller: rolls coal for so many credits, and says what was paid.

    SERVER=http://127.0.0.1:8070 ACCOUNT_TOKEN=… python3 client.py 0.05
"""

import json
import os
import sys
import urllib.request


def roll(server, account_token, credits):
    """The answer, and how many credits it took."""
    params = {"account_token": account_token, "credits": credits}
    body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": params, "id": 1})
    request = urllib.request.Request(
        server + "/services/coalroller/roll", body.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response), response.headers["Stokehold-Credits-Captured"]


def main():
    credits = json.loads(sys.argv[1]) if len(sys.argv) > 1 else 0.05
    answer, captured = roll(os.environ["SERVER"], os.environ["ACCOUNT_TOKEN"], credits)
    if "error" in answer:
        data = answer["error"]["data"]
        if data["name"].endswith("InsufficientCreditError"):
            # The message is itself JSON: it says where credits are sold.
            sys.exit("buy credits at " + json.loads(data["message"])["base_url"])
        sys.exit("%(name)s: %(message)s" % data)
    print("%s hashes for %s credits" % (answer["result"]["hashes"], captured))
    print("one of them:", answer["result"]["sample"])


if __name__ == "__main__":
    main()
