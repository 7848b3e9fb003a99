# SPDX-License-Identifier: Apache-2.0
"""As much of Odoo as the two example modules use, over the real HTTP.

This is no Odoo: it shows that the modules load, that their XML is well formed and names what there
is, and what they send and make of the answers. What Odoo 17 and 18 do alike is here once; a
`Database` is told its version for the rest.
"""

import ast
import contextlib
import http.server
import json
import pathlib
import sys
import types
import uuid
import xml.etree.ElementTree as ElementTree

import stokehold_iap

MODULES = pathlib.Path(__file__).parents[3] / "examples" / "odoo"


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, made)
    return made


# odoo, odoo.models, odoo.api, odoo.exceptions

class Model:
    def __init__(self, env):
        self.env = env

    def sudo(self):
        return self


class AccessError(Exception):
    __module__ = "odoo.exceptions"


class UserError(Exception):
    __module__ = "odoo.exceptions"


class InsufficientCreditError(Exception):
    __module__ = "odoo.addons.iap.tools.iap_tools"


def translate(text, *args, **named):
    return text % (named or args)


module("odoo", _=translate)
module("odoo.models", Model=Model)
module("odoo.api", model=lambda method: method)
module("odoo.exceptions", AccessError=AccessError, UserError=UserError)


# odoo.http

request = types.SimpleNamespace(env=None)


def route(path, **options):
    def decorate(method):
        method.routing = dict(options, path=path)
        return method
    return decorate


module("odoo.http", Controller=object, request=request, route=route)


# odoo.addons.iap: its tools answer as those of 17 and 18 do

def iap_jsonrpc(url, method="call", params=None, timeout=15):
    try:
        return stokehold_iap.jsonrpc(url, method, params, timeout)
    except stokehold_iap.InsufficientCreditError as error:
        raise InsufficientCreditError(str(error)) from None
    except (stokehold_iap.AccessError, stokehold_iap.UserError, TypeError):
        raise AccessError("An error occurred while reaching %s." % url) from None


@contextlib.contextmanager
def iap_charge(env, key, account_token, credit, dbuuid=False, description=None,
               credit_template=None, ttl=4320):
    endpoint = env["ir.config_parameter"].get_param("iap.endpoint")
    html = credit_template and env["ir.qweb"]._render(credit_template)
    try:
        with stokehold_iap.charge(endpoint, key, account_token, credit, description,
                                  dbuuid=dbuuid, credit_template=html, ttl=ttl) as transaction:
            yield transaction
    except stokehold_iap.InsufficientCreditError as error:
        raise InsufficientCreditError(str(error)) from None
    except stokehold_iap.AccessError:
        raise AccessError("An error occurred while reaching %s." % endpoint) from None


module("odoo.addons", __path__=[str(MODULES)])
module("odoo.addons.iap", __path__=[])
module("odoo.addons.iap.tools")
module("odoo.addons.iap.tools.iap_tools", iap_jsonrpc=iap_jsonrpc, iap_charge=iap_charge,
       InsufficientCreditError=InsufficientCreditError)


# A database

class Parameters(dict, Model):
    def get_param(self, name, default=False):
        return self.get(name, default)


class Templates(dict, Model):
    def _render(self, name):
        return self[name]


class Services(list, Model):
    def search_count(self, domain):
        return sum(all(row[field] == value for field, _, value in domain) for row in self)

    def _load_records(self, rows):
        self.extend(row["values"] for row in rows)


class Accounts(Model):
    """Accounts for any service in 17, and in 18 for those that it knows."""

    def get(self, service):
        if "iap.service" in self.env:
            if not self.env["iap.service"].search_count([("technical_name", "=", service)]):
                raise UserError("No service exists with the provided technical name")
        token = self.env.tokens.setdefault(service, uuid.uuid4().hex)
        return types.SimpleNamespace(account_token=token, sudo=lambda: self.get(service))


class Database(dict):
    """The `env` of a database, by model name."""

    def __init__(self, version, tokens=(), **parameters):
        super().__init__()
        self.tokens = dict(tokens)
        parameters = {name.replace("__", "."): value for name, value in parameters.items()}
        self["ir.config_parameter"] = Parameters(parameters)
        self["ir.qweb"] = Templates()
        self["iap.account"] = Accounts(self)
        self["res.partner"] = Model(self)
        if version >= 18:
            self["iap.service"] = Services()
        # The form that views of partners inherit.
        self.forms = {"base.view_partner_form": ElementTree.fromstring(
            '<form><sheet><div class="oe_button_box" name="button_box"/></sheet></form>')}

    def install(self, name):
        manifest = ast.literal_eval((MODULES / name / "__manifest__.py").read_text("utf-8"))
        __import__("odoo.addons." + name)
        for loaded in list(sys.modules.values()):
            if loaded.__name__.startswith("odoo.addons.%s.models." % name):
                self.extend(loaded)
        for path in manifest["data"]:
            for node in ElementTree.parse(MODULES / name / path).getroot():
                getattr(self, "load_" + node.tag)(name, node)
        return manifest

    def extend(self, loaded):
        for kind in vars(loaded).values():
            if hasattr(kind, "_inherit"):
                base = type(self[kind._inherit])
                if not issubclass(base, kind):
                    self[kind._inherit] = type(kind.__name__, (kind, base), {})(self)

    def load_function(self, _, node):
        getattr(self[node.get("model")], node.get("name"))()

    def load_template(self, name, node):
        inner = "".join(ElementTree.tostring(child, "unicode") for child in node)
        self["ir.qweb"]["%s.%s" % (name, node.get("id"))] = inner

    def load_record(self, _, node):
        assert node.get("model") == "ir.ui.view", node.attrib
        fields = {field.get("name"): field for field in node}
        assert fields["model"].text in self
        form = self.forms[fields["inherit_id"].get("ref")]
        for change in fields["arch"]:
            assert change.get("position") == "inside", change.attrib
            [place] = form.iterfind(".//%s[@name='%s']" % (change.tag, change.get("name")))
            place.extend(change)


# The server of a database

class Handler(http.server.BaseHTTPRequestHandler):
    """One route of one controller, with errors as Odoo writes them."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        controller, method = self.server.controller, self.server.method
        assert (self.path, self.command) == (method.routing["path"], *method.routing["methods"])
        request.env = self.server.env
        try:
            outcome = {"result": method(controller, **asked["params"])}
        except Exception as error:
            kind = type(error)
            data = {"name": "%s.%s" % (kind.__module__, kind.__name__), "message": str(error)}
            outcome = {"error": {"code": 200, "message": "Odoo Server Error", "data": data}}
        content = json.dumps(dict(outcome, jsonrpc="2.0", id=asked["id"])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, env, controller):
        super().__init__(("127.0.0.1", 0), Handler)
        self.env, self.controller = env, controller
        [self.method] = [each for each in vars(type(controller)).values() if hasattr(each, "routing")]
        self.endpoint = "http://127.0.0.1:%d" % self.server_port
