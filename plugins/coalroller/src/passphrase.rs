//! Passphrases and salts, as many as anybody could want.
//!
//! The same call gives the same ones. All have one length and no branch chooses them, so each
//! burns exactly as much fuel as any other.

/// Letters of a word.
const LETTERS: usize = 4;
/// Words of a passphrase.
const COUNT: usize = 8;
/// Bytes of a passphrase: the words and the dashes between them.
const LENGTH: usize = COUNT * (LETTERS + 1) - 1;

/// The words to choose from: 2⁶, so that six random bits select one.
const WORDS: [[u8; LETTERS]; 64] = [
    *b"amps", *b"arcs", *b"bake", *b"beam", *b"bell", *b"boil", *b"bolt", *b"burn", *b"cart",
    *b"char", *b"clay", *b"coal", *b"coke", *b"cook", *b"core", *b"crew", *b"damp", *b"dark",
    *b"deck", *b"dust", *b"fire", *b"flue", *b"fuel", *b"fume", *b"gale", *b"gasp", *b"glow",
    *b"grit", *b"haul", *b"haze", *b"heap", *b"heat", *b"hiss", *b"hold", *b"hulk", *b"iron",
    *b"kiln", *b"lava", *b"load", *b"lump", *b"mast", *b"mine", *b"oven", *b"pile", *b"pipe",
    *b"pump", *b"rack", *b"roar", *b"roll", *b"rust", *b"seam", *b"ship", *b"slag", *b"smog",
    *b"soot", *b"sulk", *b"tank", *b"tide", *b"tint", *b"toil", *b"volt", *b"warm", *b"watt",
    *b"yard",
];

/// What is hashed once.
pub(crate) struct Secret {
    /// Words like `coal-fire-heat`, in ASCII.
    pub(crate) passphrase: [u8; LENGTH],
    /// Makes two hashes of one passphrase differ.
    pub(crate) salt: [u8; 16],
}

/// Deals secrets: the generator `SplitMix64`. It is quick, and nobody's safety rests on it.
pub(crate) struct Secrets {
    state: u64,
}

impl Secrets {
    /// Secrets that belong to `call_id`, which is condensed by FNV-1a.
    pub(crate) fn of(call_id: &str) -> Self {
        let state = call_id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { state }
    }

    /// The next secret.
    pub(crate) fn deal(&mut self) -> Secret {
        let mut passphrase = [b'-'; LENGTH];
        let mut bits = self.random();
        for place in passphrase.chunks_mut(LETTERS + 1) {
            place[..LETTERS].copy_from_slice(&WORDS[(bits & 63) as usize]);
            bits >>= 6;
        }
        let salt = u128::from(self.random()) << 64 | u128::from(self.random());
        Secret { passphrase, salt: salt.to_be_bytes() }
    }

    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::{Secrets, WORDS};

    #[test]
    fn one_call_gets_the_same_secrets_again_and_no_other_call_does() {
        let dealt = |call_id| {
            let mut secrets = Secrets::of(call_id);
            [secrets.deal(), secrets.deal()].map(|secret| (secret.passphrase, secret.salt))
        };
        assert_eq!(dealt("call-1"), dealt("call-1"));
        assert_ne!(dealt("call-1"), dealt("call-2"));
        let [first, second] = dealt("call-1");
        assert_ne!(first, second);
    }

    #[test]
    fn a_passphrase_is_eight_words_of_the_list() {
        let passphrase = Secrets::of("call").deal().passphrase;
        let words: Vec<_> = passphrase.split(|byte| *byte == b'-').collect();
        assert_eq!(words.len(), 8);
        assert!(words.iter().all(|word| WORDS.iter().any(|known| known == word)));
    }

    #[test]
    fn the_generator_is_splitmix64() {
        // The first outputs for seed 1234567, as the generator's author publishes them.
        let mut secrets = Secrets { state: 1_234_567 };
        let outputs = [secrets.random(), secrets.random(), secrets.random()];
        assert_eq!(
            outputs,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }
}
