//! Sealing: ChaCha20-Poly1305 (RFC 8439), bound to whose secret it is and what it is called, so that
//! a sealed value opens nowhere else.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use stokehold_ledger::ServiceId;

use crate::secret::{hex, random_bytes};

/// The key that a host seals secrets with.
pub(super) struct SealKey(LessSafeKey);

impl SealKey {
    pub(super) fn new(bytes: &[u8; 32]) -> Option<Self> {
        UnboundKey::new(&CHACHA20_POLY1305, bytes).ok().map(LessSafeKey::new).map(Self)
    }

    /// The key in a file: 64 hexadecimal digits. Nothing of what stands there is in an error.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "others of this machine can open the key of the secrets");
        }
        let text = io::read_to_string(file)?;
        let no_key =
            || io::Error::new(io::ErrorKind::InvalidData, "it is not 64 hexadecimal digits");
        unhex(text.trim()).as_ref().and_then(Self::new).ok_or_else(no_key)
    }

    /// Makes a key, and a file for it that is the owner's alone. It is on the disk before anything is
    /// sealed with it.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        let bytes = random_bytes().map_err(io::Error::other)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(file, "{}", hex(&bytes))?;
        file.sync_all()?;
        if let Some(directory) = path.parent() {
            File::open(directory)?.sync_all()?;
        }
        Self::new(&bytes).ok_or_else(|| io::Error::other("the key cannot be used"))
    }

    /// Seals a value. None where the machine gives no random bytes.
    pub(super) fn seal(&self, service: ServiceId, name: &str, value: &str) -> Option<Vec<u8>> {
        let random = random_bytes().ok()?;
        // 96 random bits: a key would have to seal billions of values before two of them met.
        let nonce: [u8; NONCE_LEN] = random[..NONCE_LEN].try_into().ok()?;
        let mut sealed = value.as_bytes().to_vec();
        let (nonce_of_seal, whose) = (Nonce::assume_unique_for_key(nonce), whose(service, name));
        self.0.seal_in_place_append_tag(nonce_of_seal, whose, &mut sealed).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// Opens what was sealed; `None` for whatever this key has not sealed just there.
    pub(super) fn open(&self, service: ServiceId, name: &str, sealed: &[u8]) -> Option<String> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = sealed.to_vec();
        let value = self.0.open_in_place(nonce, whose(service, name), &mut opened).ok()?;
        str::from_utf8(value).ok().map(str::to_owned)
    }
}

fn whose(service: ServiceId, name: &str) -> Aad<Vec<u8>> {
    Aad::from([&service.0.to_be_bytes()[..], name.as_bytes()].concat())
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use stokehold_ledger::ServiceId;

    use super::SealKey;

    const ONE: ServiceId = ServiceId(1);

    #[test]
    fn a_value_opens_where_it_was_sealed_and_nowhere_else() {
        let (key, other) = (SealKey::new(&[1; 32]).unwrap(), SealKey::new(&[2; 32]).unwrap());
        let sealed = key.seal(ONE, "api_key", "hunter2").unwrap();
        assert_eq!(key.open(ONE, "api_key", &sealed).as_deref(), Some("hunter2"));
        assert_ne!(sealed, key.seal(ONE, "api_key", "hunter2").unwrap(), "each seal is another");
        assert_eq!(key.open(ServiceId(2), "api_key", &sealed), None);
        assert_eq!(key.open(ONE, "api_key2", &sealed), None);
        assert_eq!(other.open(ONE, "api_key", &sealed), None);
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(key.open(ONE, "api_key", &altered), None, "byte {at}");
            assert_eq!(key.open(ONE, "api_key", &sealed[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn a_key_file_is_made_once_and_for_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secrets.key");
        let sealed = SealKey::make(&path).unwrap().seal(ONE, "a", "b").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(SealKey::make(&path).is_err(), "no key is overwritten");
        assert_eq!(SealKey::read(&path).unwrap().open(ONE, "a", &sealed).as_deref(), Some("b"));
        std::fs::write(&path, "hunter2").unwrap();
        let error = SealKey::read(&path).err().unwrap().to_string();
        assert_eq!(error, "it is not 64 hexadecimal digits");
    }
}
