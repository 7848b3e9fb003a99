//! The two modules for Odoo, on stubs of Odoo.

use crate::account::Till;
use crate::program::unittest;

#[test]
fn the_modules_roll_coal_and_pay_for_it() {
    let till = Till::of("coalroller");
    unittest("tests/providers/odoo", Some(&till));
    // Four rolls of 0.02.
    till.assert_left(9.92);
    assert_eq!(till.last_description(), "Coal rolled: electricity consumed, nothing useful done");
}
