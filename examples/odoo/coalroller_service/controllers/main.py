# SPDX-License-Identifier: Apache-2.0
import hashlib
import secrets
import time

from odoo import http
from odoo.addons.iap.tools import iap_tools
from odoo.exceptions import UserError
from odoo.http import request

SECONDS_PER_CREDIT = 10
# A worker of Odoo that is busy for two minutes is ended.
CREDITS_MAX = 6
ROUNDS = 25_000
# No roll takes a tenth of this: a hold that is older was forgotten.
TTL_HOURS = 1


class CoalRoller(http.Controller):

    @http.route('/roll', type='json', auth='public', methods=['POST'])
    def roll(self, account_token, credits=1, dbuuid=None, **kwargs):
        """Burns a core for as long as the credits last."""
        if isinstance(credits, bool) or not isinstance(credits, (int, float)):
            raise UserError("credits has to be a number")
        if not 0 < credits <= CREDITS_MAX:
            raise UserError("credits has to be above 0, and %d at the most" % CREDITS_MAX)
        # The key is a secret: a system parameter, never code.
        key = request.env['ir.config_parameter'].sudo().get_param('coalroller.service_key')
        with iap_tools.iap_charge(
            request.env, key, account_token, credits,
            dbuuid=dbuuid,
            description="Coal rolled: electricity consumed, nothing useful done",
            credit_template='coalroller_service.no_credit',
            ttl=TTL_HOURS,
        ):
            return self._burn(credits * SECONDS_PER_CREDIT)

    @staticmethod
    def _burn(seconds):
        """Hashes passphrases for so many seconds, and one at the least."""
        end, hashes = time.monotonic() + seconds, 0
        while not hashes or time.monotonic() < end:
            salt = secrets.token_bytes(16)
            digest = hashlib.pbkdf2_hmac('sha512', secrets.token_bytes(24), salt, ROUNDS)
            hashes += 1
        return {'hashes': hashes, 'sample': '%s$%s' % (salt.hex(), digest.hex())}
