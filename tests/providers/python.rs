//! The Python helpers.

use crate::account::Till;
use crate::program::unittest;

#[test]
fn the_helpers_hold_against_a_broker_that_misbehaves() {
    unittest("examples/python", None);
}

#[test]
fn the_helpers_hold_against_the_real_broker() {
    let till = Till::of("lasers");
    unittest("tests/providers/python", Some(&till));
    // The three tests that cost: 2, a millionth and 0.25.
    till.assert_left(7.749_999);
}
