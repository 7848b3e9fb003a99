# SPDX-License-Identifier: Apache-2.0
from odoo import api, models


class IapAccount(models.Model):
    _inherit = 'iap.account'

    @api.model
    def _register_coalroller(self):
        """Makes the service known to Odoo 18, which has a list of services and makes accounts for
        no other. Odoo 17 has no such list: that is why this is no record in an XML file."""
        if 'iap.service' not in self.env:
            return
        services = self.env['iap.service'].sudo()
        if services.search_count([('technical_name', '=', 'coalroller')]):
            return
        # With an XML id the record is the module's, and goes when the module is uninstalled.
        services._load_records([{
            'xml_id': 'coalroller.iap_service_coalroller',
            'noupdate': True,
            'values': {
                'name': 'Coal Roller',
                'technical_name': 'coalroller',
                'description': 'Burns electricity, for a price.',
                'unit_name': 'Credits',
                'integer_balance': False,
            },
        }])
