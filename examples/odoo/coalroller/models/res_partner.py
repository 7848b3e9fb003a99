# SPDX-License-Identifier: Apache-2.0
from odoo import _, models
from odoo.addons.iap.tools import iap_tools

# The coal roller that comes with a Stokehold server. Where another one is to be used, the system
# parameter coalroller.endpoint says so.
DEFAULT_ENDPOINT = 'http://localhost:8070/services/coalroller'
DEFAULT_CREDITS = 1
# Ten seconds of work for a credit, and as long again to wait for a furnace.
TIMEOUT_PER_CREDIT_S = 20
TIMEOUT_MIN_S = 15


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def action_partner_coalroll(self):
        """Rolls coal, whoever the partner is."""
        parameters = self.env['ir.config_parameter'].sudo()
        endpoint = parameters.get_param('coalroller.endpoint', DEFAULT_ENDPOINT).rstrip('/')
        credits = float(parameters.get_param('coalroller.credits', DEFAULT_CREDITS))
        account = self.env['iap.account'].get('coalroller').sudo()
        # Too few credits are not an error to catch: the web client then offers to buy some.
        rolled = iap_tools.iap_jsonrpc(
            endpoint + '/roll',
            params={
                'account_token': account.account_token,
                'dbuuid': parameters.get_param('database.uuid'),
                'credits': credits,
            },
            timeout=max(TIMEOUT_MIN_S, TIMEOUT_PER_CREDIT_S * credits),
        )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'title': _("Coal rolled"),
                'message': _(
                    "%(hashes)s passphrases were made up and hashed for nothing. One of them: "
                    "%(sample)s", hashes=rolled['hashes'], sample=rolled['sample'],
                ),
            },
        }
