"""A mail server for the tests. It prints a line of JSON for each thing that happens.

What an address begins with decides what becomes of it: 550 refuses it for good, 451 refuses it the
first time, `silent` leaves its first mail without an answer. The server ends when its standard
input does.
"""

import argparse
import asyncio
import json
import logging
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def tell(event, **what):
    print(json.dumps({"event": event, **what}), flush=True)


class Handler:
    def __init__(self):
        self.seen = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        is_first = address not in self.seen
        self.seen.add(address)
        code = address[:3]
        if code == "550" or (code == "451" and is_first):
            tell("refused", to=address, code=code)
            return f"{code} not this address"
        if address.startswith("silent") and is_first:
            tell("silent", to=address)
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        [to] = envelope.rcpt_tos
        tell(
            "mail",
            sender=envelope.mail_from,
            to=to,
            text=envelope.content.decode("ascii").replace("\r\n", "\n"),
            hello=session.host_name,
            encrypted=server.transport.get_extra_info("sslcontext") is not None,
            authenticated=session.authenticated,
        )
        return "250 taken"


async def serve(options):
    tls = None
    if options.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.certificate, options.key)

    starttls, implicit = (None, tls) if options.implicit else (tls, None)

    def authenticate(server, session, envelope, mechanism, given):
        expected = options.login.encode()
        success = given.login + b":" + given.password == expected
        tell("login", success=success)
        return AuthResult(success=success, handled=False)

    handler = Handler()

    def connected():
        return SMTP(
            handler,
            hostname="mail.example.com",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=authenticate if options.login else None,
            auth_required=options.login is not None,
            auth_require_tls=starttls is not None,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connected, "127.0.0.1", options.port, ssl=implicit)
    tell("listening", port=server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)


# It warns of what the tests are about: no encryption, connections that break off.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--implicit", action="store_true")
parser.add_argument("--login", help="NAME:PASSWORD")
asyncio.run(serve(parser.parse_args()))
