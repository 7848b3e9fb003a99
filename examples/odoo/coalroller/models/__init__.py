from . import iap_account
from . import res_partner
