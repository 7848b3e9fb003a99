# SPDX-License-Identifier: Apache-2.0
{
    'name': 'Coal Roller Service',
    'summary': 'Rolls coal on this server, for credits of a broker',
    'version': '1.0',
    'category': 'Tools',
    'license': 'Other OSI approved licence',
    'depends': ['iap'],
    'data': [
        'views/no_credit.xml',
    ],
}
