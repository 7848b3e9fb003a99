# SPDX-License-Identifier: Apache-2.0
{
    'name': 'Coal Roller',
    'summary': 'A button on every partner that burns electricity, for credits',
    'version': '1.0',
    'category': 'Tools',
    'license': 'Other OSI approved licence',
    'depends': ['iap'],
    'data': [
        'data/iap_service.xml',
        'views/res_partner_views.xml',
    ],
}
