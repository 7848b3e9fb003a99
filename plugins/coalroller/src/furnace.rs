//! Where passphrases burn: PBKDF2-HMAC-SHA512.

use base64ct::{Base64Pbkdf2, Encoding};
use pbkdf2::pbkdf2_hmac_array;
use sha2::Sha512;

use crate::passphrase::Secret;

/// Rounds of one hash: as many as passlib used for the passwords of its time.
const ROUNDS: u32 = 25_000;
/// Fuel kept back for the answer: many times what it takes, and still nothing beside a hash.
const RESERVE: u64 = 200_000;

/// The bytes that are left of a secret.
pub(crate) type Ash = [u8; 64];

/// Hashes one secret.
pub(crate) fn burn(secret: &Secret) -> Ash {
    pbkdf2_hmac_array::<Sha512, 64>(&secret.passphrase, &secret.salt, ROUNDS)
}

/// Calls `burn` as often as the fuel pays for, and at least once; gives the number of times. What
/// a hash costs is learnt from those before.
pub(crate) fn burn_while_fuel_lasts(fuel_left: impl Fn() -> u64, mut burn: impl FnMut()) -> u64 {
    let mut left = fuel_left();
    let mut dearest = 0;
    let mut count = 0;
    loop {
        burn();
        count += 1;
        let before = std::mem::replace(&mut left, fuel_left());
        dearest = dearest.max(before.saturating_sub(left));
        if left < dearest + RESERVE {
            return count;
        }
    }
}

/// A hash as passlib writes it, with its own base64: `.` for `+`, and no padding.
pub(crate) fn written(secret: &Secret, ash: &Ash) -> String {
    let salt = Base64Pbkdf2::encode_string(&secret.salt);
    let ash = Base64Pbkdf2::encode_string(ash);
    format!("$pbkdf2-sha512${ROUNDS}${salt}${ash}")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{RESERVE, burn, burn_while_fuel_lasts, written};
    use crate::passphrase::Secret;

    /// How many hashes of 1,000,000 fuel each `fuel` pays for.
    fn burned_with(fuel: u64) -> u64 {
        let left = Cell::new(fuel);
        burn_while_fuel_lasts(|| left.get(), || left.set(left.get() - 1_000_000))
    }

    #[test]
    fn the_fire_stops_before_the_fuel_does() {
        assert_eq!(burned_with(1_000_000), 1);
        assert_eq!(burned_with(1_999_999 + RESERVE), 1);
        assert_eq!(burned_with(2_000_000 + RESERVE), 2);
        assert_eq!(burned_with(20_000_000 + RESERVE), 20);
    }

    #[test]
    fn hashes_are_those_that_passlib_makes() {
        let secret = Secret {
            passphrase: *b"coal-fire-heat-soot-smog-pipe-pump-ship",
            salt: *b"0123456789abcdef",
        };
        assert_eq!(
            written(&secret, &burn(&secret)),
            "$pbkdf2-sha512$25000$MDEyMzQ1Njc4OWFiY2RlZg$zByTGpf5A0xij.2gffsQgidtdqNBtiQPb7bzyK0Ik2v\
             DlGJSYWNCBHY2n76BpgJ2qXEu8rem7c.wd2HdX2lP1Q"
        );
    }
}
