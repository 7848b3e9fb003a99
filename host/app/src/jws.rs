//! Signed texts: compact JWS (RFC 7515) with Ed25519 (RFC 8037), and their public keys (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

const ALGORITHM: &str = "EdDSA";
const KEY_TYPE: &str = "OKP";
const CURVE: &str = "Ed25519";

/// Public keys, as `/.well-known/jwks.json` has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Jwks {
    /// The keys, the one that signs first.
    pub keys: Vec<Jwk>,
}

/// A public key. Those of other kinds are never found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Jwk {
    /// The kind of key: `OKP`.
    pub kty: String,
    /// The curve: `Ed25519`.
    #[serde(default)]
    pub crv: String,
    /// What is done with it: `sig`.
    #[serde(rename = "use", default)]
    pub usage: String,
    /// The algorithm: `EdDSA`.
    #[serde(default)]
    pub alg: String,
    /// Its name: its thumbprint (RFC 7638).
    #[serde(default)]
    pub kid: String,
    /// The key itself, base64url.
    #[serde(default)]
    pub x: String,
}

/// Why a text is not taken as genuine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JwsError {
    /// It is no compact JWS with Ed25519.
    #[error("it is not a compact JWS with Ed25519: {0}")]
    Malformed(String),
    /// It is signed, and something else.
    #[error("it is a {found}, not a {expected}")]
    OtherType {
        /// What it is.
        found: String,
        /// What it was to be.
        expected: &'static str,
    },
    /// None of the keys has signed it.
    #[error("its key {0} is not among the known ones")]
    UnknownKey(String),
    /// It was altered, or the signature was made up.
    #[error("its signature does not fit what it says")]
    BadSignature,
}

/// A key pair that signs.
pub(crate) struct Signer {
    kid: String,
    pair: Ed25519KeyPair,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

impl Signer {
    /// The key pair of 32 random bytes; `None` never, for any 32 bytes will do.
    pub(crate) fn new(seed: &[u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let kid = thumbprint(pair.public_key().as_ref());
        Some(Self { kid, pair })
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap_or_default()
    }

    /// Signs `payload`, which is of this type.
    pub(crate) fn sign(&self, typ: &'static str, payload: &[u8]) -> String {
        let header = Header { alg: ALGORITHM.into(), kid: self.kid.clone(), typ: typ.into() };
        // A structure of texts always becomes JSON.
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let signed = format!("{}.{}", encode(&header), encode(payload));
        let signature = self.pair.sign(signed.as_bytes());
        format!("{signed}.{}", encode(signature.as_ref()))
    }
}

impl Jwk {
    pub(crate) fn new(kid: String, public: &[u8]) -> Self {
        let text = str::to_owned;
        Self {
            kty: text(KEY_TYPE),
            crv: text(CURVE),
            usage: text("sig"),
            alg: text(ALGORITHM),
            kid,
            x: encode(public),
        }
    }
}

impl Jwks {
    /// Checks that one of the keys has signed `jws`, and that it is of this type. Answers what it
    /// says.
    pub(crate) fn open(&self, typ: &'static str, jws: &str) -> Result<Vec<u8>, JwsError> {
        let malformed = |why: &str| JwsError::Malformed(why.to_owned());
        let (signed, signature) =
            jws.rsplit_once('.').ok_or_else(|| malformed("it has no dots"))?;
        let (header, payload) =
            signed.split_once('.').ok_or_else(|| malformed("one part short"))?;
        let part =
            |text| URL_SAFE_NO_PAD.decode(text).map_err(|error| malformed(&error.to_string()));
        let header: Header = serde_json::from_slice(&part(header)?)
            .map_err(|error| malformed(&format!("its header: {error}")))?;
        if header.alg != ALGORITHM {
            return Err(malformed(&format!("its algorithm is {}", header.alg)));
        }
        if header.typ != typ {
            return Err(JwsError::OtherType { found: header.typ, expected: typ });
        }
        let is_it = |key: &&Jwk| key.kty == KEY_TYPE && key.crv == CURVE && key.kid == header.kid;
        let key = self.keys.iter().find(is_it);
        let key = key.ok_or_else(|| JwsError::UnknownKey(header.kid.clone()))?;
        UnparsedPublicKey::new(&ED25519, part(&key.x)?)
            .verify(signed.as_bytes(), &part(signature)?)
            .map_err(|_| JwsError::BadSignature)?;
        part(payload)
    }
}

/// A key's name: SHA-256 of its members in the order of RFC 7638.
fn thumbprint(public: &[u8]) -> String {
    let members =
        format!("{{\"crv\":\"{CURVE}\",\"kty\":\"{KEY_TYPE}\",\"x\":\"{}\"}}", encode(public));
    encode(&Sha256::digest(members))
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8037, appendix A, and what that says of it.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    fn signer() -> Signer {
        let seed = URL_SAFE_NO_PAD.decode(SEED).expect("base64");
        Signer::new(&seed.try_into().expect("32 bytes")).expect("a key")
    }

    fn jwks(signer: &Signer) -> Jwks {
        Jwks { keys: vec![Jwk::new(signer.kid().to_owned(), &signer.public())] }
    }

    #[test]
    fn keys_are_those_of_the_rfc() {
        let signer = signer();
        assert_eq!(encode(&signer.public()), PUBLIC);
        assert_eq!(signer.kid(), THUMBPRINT);
    }

    #[test]
    fn signatures_are_those_of_the_rfc() {
        // RFC 8037, A.4: its header has no more than the algorithm.
        let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = signer().pair.sign(input.as_bytes());
        assert_eq!(
            encode(signature.as_ref()),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn what_was_signed_is_read_and_what_was_altered_is_not() {
        let signer = signer();
        let keys = jwks(&signer);
        let jws = signer.sign("a", b"{\"n\":1}");
        assert_eq!(keys.open("a", &jws).expect("genuine"), b"{\"n\":1}");
        for at in 0..jws.len() {
            let mut altered = jws.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).expect("text");
            assert!(keys.open("a", &altered).is_err(), "altered at {at}: {altered}");
        }
        let other = JwsError::OtherType { found: "a".into(), expected: "b" };
        assert_eq!(keys.open("b", &jws), Err(other));
        let unknown = JwsError::UnknownKey(signer.kid().to_owned());
        assert_eq!(Jwks::default().open("a", &jws), Err(unknown));
        for text in ["", "a", "a.b", "..", "....", "e30.e30.e30"] {
            assert!(matches!(keys.open("a", text), Err(JwsError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn no_other_algorithm_is_taken() {
        let keys = jwks(&signer());
        let header = format!("{{\"alg\":\"none\",\"kid\":\"{THUMBPRINT}\",\"typ\":\"a\"}}");
        let jws = format!("{}.{}.", encode(header.as_bytes()), encode(b"{}"));
        assert!(matches!(keys.open("a", &jws), Err(JwsError::Malformed(_))));
    }
}
