//! Signed tree heads and the keys that sign them.
//!
//! What is signed is a checkpoint in the form that transparency logs have agreed on (C2SP `tlog-checkpoint`, signed as
//! a C2SP `signed-note` with Ed25519), so that tools made for those can check ours:
//!
//! ```text
//! yice-ledger/2f6c…            the origin: which ledger this is
//! 12345                        the number of leaves
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    the root hash, base64
//! sealed-at 2026-11-21T08:00:00.123456Z
//!
//! — yice-ledger/2f6c… Az3gr…   key hint (4 bytes) and signature (64 bytes), base64
//! ```
//! The signature covers everything up to and with the line feed before the empty line.

use std::fmt;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::Signer;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

use super::entry::microseconds;
use super::merkle::Hash;

const INSTANT: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
const SEALED_AT: &str = "sealed-at ";
/// The algorithm number of Ed25519 in a signed note.
const ED25519: u8 = 1;

/// Why the signing key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefused {
    /// There is no such file.
    #[error("there is no signing key of the ledger at {}; the server makes one when it first starts", path.display())]
    Missing {
        /// The key file.
        path: PathBuf,
    },
    /// The file can't be read or written.
    #[error("the ledger's signing key {} can't be read or written: {source}", path.display())]
    Unreadable {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others may read it.
    #[error(
        "the ledger's signing key {} may be read by others (mode {mode:o}); run: chmod 600 {}",
        path.display(), path.display()
    )]
    OpenToOthers {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It does not hold a key.
    #[error("{} does not hold a signing key of the ledger (one line: `{KEY_FILE_WORD} <64 hexadecimal digits>`)", path.display())]
    NotAKey {
        /// The key file.
        path: PathBuf,
    },
}

const KEY_FILE_WORD: &str = "yice-ledger-ed25519";

/// The private key that signs tree heads.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({})", self.public_key().id())
    }
}

impl SigningKey {
    /// Reads the key from its file. Blocks on the disk.
    ///
    /// # Errors
    /// See [`KeyRefused`].
    pub fn load(path: &Path) -> Result<Self, KeyRefused> {
        let unreadable = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => KeyRefused::Missing { path: path.to_owned() },
            _ => KeyRefused::Unreadable {
                path: path.to_owned(),
                source,
            },
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyRefused::OpenToOthers {
                path: path.to_owned(),
                mode,
            });
        }
        let seed = text.trim().strip_prefix(KEY_FILE_WORD).and_then(|seed| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(seed.trim(), &mut bytes).ok()?;
            Some(bytes)
        });
        seed.map(Self::from_seed)
            .ok_or_else(|| KeyRefused::NotAKey { path: path.to_owned() })
    }

    /// Reads the key from its file; at the very first start makes one and writes it, readable by its owner alone.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// See [`KeyRefused`].
    pub fn load_or_create(path: &Path) -> Result<Self, KeyRefused> {
        match Self::load(path) {
            Err(KeyRefused::Missing { .. }) => {
                Self::create(path).map_err(|source| KeyRefused::Unreadable {
                    path: path.to_owned(),
                    source,
                })?;
                // Read back: another process may have been first, and then its key is the key.
                Self::load(path)
            }
            loaded => loaded,
        }
    }

    fn create(path: &Path) -> Result<(), std::io::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        // Written aside (a temporary file is readable by its owner alone) and put in place whole.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{KEY_FILE_WORD} {}", hex::encode(seed))?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => std::fs::File::open(folder)?.sync_all(),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    }

    /// From 32 secret bytes.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a head.
    #[must_use]
    pub fn sign(&self, head: TreeHead) -> SignedHead {
        let signature = self.0.sign(head.text().as_bytes()).to_bytes();
        SignedHead {
            key_id: self.public_key().id(),
            head,
            signature: Signature(signature),
        }
    }
}

/// A public key that heads are checked with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// From its 32 bytes. `None` when they are no point of the curve, or a weak one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
        (!key.is_weak()).then_some(Self(key))
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Its name in the ledger: the first 16 hexadecimal digits of its SHA-256.
    #[must_use]
    pub fn id(&self) -> String {
        let mut id = hex::encode(Sha256::digest(self.to_bytes()));
        id.truncate(16);
        id
    }

    /// The four bytes by which a signed note names its key.
    fn note_hint(&self, name: &str) -> [u8; 4] {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ED25519])
            .chain_update(self.to_bytes())
            .finalize()
            .into();
        [digest[0], digest[1], digest[2], digest[3]]
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", hex::encode(self.to_bytes()))
    }
}

/// The keys whose signature counts.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys(Vec<PublicKey>);

impl TrustedKeys {
    /// Exactly these: those of this machine's key file and of the other nodes. This is what proves something.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// Those that the database itself lists. Whoever can rewrite the ledger can also add a key there: this finds
    /// accidents and clumsy hands, and is for want of anything better.
    ///
    /// # Errors
    /// When the database is gone.
    pub async fn recorded(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let keys = sqlx::query_scalar!("select public_key from ledger_key order by recorded_at, key_id")
            .fetch_all(connection)
            .await?;
        Ok(Self(
            keys.iter().filter_map(|bytes| PublicKey::from_bytes(bytes)).collect(),
        ))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }
}

/// What is said of the tree at one size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeHead {
    /// Which ledger it is.
    pub origin: String,
    /// The number of leaves.
    pub tree_size: u64,
    /// The root hash.
    pub root_hash: Hash,
    /// When it was sealed (UTC, to the microsecond).
    #[serde(with = "time::serde::rfc3339")]
    pub sealed_at: OffsetDateTime,
}

impl TreeHead {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let sealed_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds(self.sealed_at)) * 1_000)
            .ok()
            .and_then(|instant| instant.format(INSTANT).ok())
            .unwrap_or_default();
        let root = BASE64.encode(self.root_hash.0);
        format!("{}\n{}\n{root}\n{SEALED_AT}{sealed_at}\n", self.origin, self.tree_size)
    }
}

/// An Ed25519 signature. In JSON: base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Serialize for Signature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(self.0))
    }
}

/// A head with its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedHead {
    /// What is signed.
    #[serde(flatten)]
    pub head: TreeHead,
    /// The signature over [`TreeHead::text`].
    pub signature: Signature,
    /// The key it says it is signed with.
    pub key_id: String,
}

/// Why a head is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadRefused {
    /// The key is none of the trusted ones.
    #[error("signed with key {key_id}, which is not trusted")]
    UnknownKey {
        /// The key it names.
        key_id: String,
    },
    /// The signature does not fit.
    #[error("the signature does not fit the head")]
    BadSignature,
    /// Not a signed note at all.
    #[error("not a signed tree head: {why}")]
    Unreadable {
        /// What is missing.
        why: &'static str,
    },
}

impl SignedHead {
    /// Checks the signature.
    ///
    /// # Errors
    /// When the key is not trusted or the signature does not fit.
    pub fn verify(&self, keys: &TrustedKeys) -> Result<(), HeadRefused> {
        let key = keys.iter().find(|key| key.id() == self.key_id);
        let key = key.ok_or_else(|| HeadRefused::UnknownKey {
            key_id: self.key_id.clone(),
        })?;
        let signature = ed25519_dalek::Signature::from_bytes(&self.signature.0);
        key.0
            .verify_strict(self.head.text().as_bytes(), &signature)
            .map_err(|_| HeadRefused::BadSignature)
    }

    /// The signed note, to be kept where no one who can alter the database can reach. `None` when `keys` lacks the key.
    #[must_use]
    pub fn to_note(&self, keys: &TrustedKeys) -> Option<String> {
        let key = keys.iter().find(|key| key.id() == self.key_id)?;
        let mut signature = key.note_hint(&self.head.origin).to_vec();
        signature.extend_from_slice(&self.signature.0);
        Some(format!(
            "{}\n— {} {}\n",
            self.head.text(),
            self.head.origin,
            BASE64.encode(signature)
        ))
    }

    /// Reads a signed note and checks it.
    ///
    /// # Errors
    /// See [`HeadRefused`].
    pub fn from_note(note: &str, keys: &TrustedKeys) -> Result<Self, HeadRefused> {
        let unreadable = |why| HeadRefused::Unreadable { why };
        let (text, signatures) = note
            .split_once("\n\n")
            .ok_or(unreadable("no empty line before the signature"))?;
        let mut lines = text.lines();
        let origin = lines.next().unwrap_or_default().to_owned();
        let tree_size = lines
            .next()
            .and_then(|line| line.parse().ok())
            .ok_or(unreadable("no tree size"))?;
        let root_hash = lines
            .next()
            .and_then(|line| BASE64.decode(line).ok())
            .and_then(|bytes| Hash::from_slice(&bytes))
            .ok_or(unreadable("no root hash"))?;
        let sealed_at = lines
            .next()
            .and_then(|line| line.strip_prefix(SEALED_AT))
            .and_then(|line| time::PrimitiveDateTime::parse(line, INSTANT).ok())
            .ok_or(unreadable("no instant of sealing"))?
            .assume_utc();
        let head = TreeHead {
            origin,
            tree_size,
            root_hash,
            sealed_at,
        };
        if head.text().strip_suffix('\n') != Some(text) {
            return Err(unreadable("more or other lines than a head has"));
        }
        let prefix = format!("— {} ", head.origin);
        let mut refused = unreadable("no signature");
        for line in signatures.lines().filter_map(|line| line.strip_prefix(&prefix)) {
            let Some(bytes) = BASE64
                .decode(line)
                .ok()
                .and_then(|bytes| <[u8; 68]>::try_from(bytes).ok())
            else {
                continue;
            };
            let (hint, signature) = bytes.split_at(4);
            let Ok(signature) = <[u8; 64]>::try_from(signature) else {
                continue;
            };
            match keys.iter().find(|key| key.note_hint(&head.origin) == hint) {
                Some(key) => {
                    let head = Self {
                        head,
                        signature: Signature(signature),
                        key_id: key.id(),
                    };
                    return head.verify(keys).map(|()| head);
                }
                None => {
                    refused = HeadRefused::UnknownKey {
                        key_id: hex::encode(hint),
                    }
                }
            }
        }
        Err(refused)
    }
}

/// The newest signed head. `None` while nothing has been sealed.
///
/// # Errors
/// When the database is gone.
pub async fn current_head(connection: &mut PgConnection) -> Result<Option<SignedHead>, sqlx::Error> {
    Ok(heads_below(connection, i64::MAX, 1).await?.pop())
}

/// The signed head of exactly this size, if there is one.
///
/// # Errors
/// When the database is gone.
pub async fn head_of_size(connection: &mut PgConnection, tree_size: u64) -> Result<Option<SignedHead>, sqlx::Error> {
    let Ok(size) = i64::try_from(tree_size) else {
        return Ok(None);
    };
    let head = heads_below(connection, size, 1).await?.pop();
    Ok(head.filter(|head| head.head.tree_size == tree_size))
}

/// Signed heads, newest first, of at most `largest` leaves.
///
/// # Errors
/// When the database is gone.
pub async fn heads(connection: &mut PgConnection, largest: u64, limit: u32) -> Result<Vec<SignedHead>, sqlx::Error> {
    heads_below(connection, i64::try_from(largest).unwrap_or(i64::MAX), i64::from(limit)).await
}

async fn heads_below(connection: &mut PgConnection, largest: i64, limit: i64) -> Result<Vec<SignedHead>, sqlx::Error> {
    let rows = sqlx::query!(
        "select log.origin, head.tree_size, head.root_hash, head.sealed_at, head.signature, head.key_id
         from ledger_head head, ledger_log log
         where head.tree_size <= $1
         order by head.tree_size desc
         limit $2",
        largest,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            signed_head(
                row.origin,
                row.tree_size,
                &row.root_hash,
                row.sealed_at,
                &row.signature,
                row.key_id,
            )
            .ok_or_else(|| {
                sqlx::Error::Decode(format!("the ledger's head of size {} is malformed", row.tree_size).into())
            })
        })
        .collect()
}

/// A head from its columns. `None` when a length is wrong.
pub(super) fn signed_head(
    origin: String,
    tree_size: i64,
    root_hash: &[u8],
    sealed_at: OffsetDateTime,
    signature: &[u8],
    key_id: String,
) -> Option<SignedHead> {
    let head = TreeHead {
        origin,
        tree_size: u64::try_from(tree_size).ok()?,
        root_hash: Hash::from_slice(root_hash)?,
        sealed_at,
    };
    Some(SignedHead {
        head,
        signature: Signature(signature.try_into().ok()?),
        key_id,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::super::merkle::empty_root;
    use super::*;

    fn head() -> TreeHead {
        TreeHead {
            origin: "yice-ledger/test".to_owned(),
            tree_size: 7,
            root_hash: empty_root(),
            sealed_at: datetime!(2026-11-21 08:00:00.12 UTC),
        }
    }

    #[test]
    fn the_signed_text_is_as_documented() {
        assert_eq!(
            head().text(),
            "yice-ledger/test\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nsealed-at 2026-11-21T08:00:00.120000Z\n"
        );
    }

    #[test]
    fn a_note_is_read_back_and_only_a_trusted_key_counts() {
        let key = SigningKey::from_seed([7; 32]);
        let trusted = TrustedKeys::new([SigningKey::from_seed([8; 32]).public_key(), key.public_key()]);
        let signed = key.sign(head());
        signed.verify(&trusted).unwrap();
        let note = signed.to_note(&trusted).unwrap();
        assert_eq!(SignedHead::from_note(&note, &trusted), Ok(signed.clone()));
        let others = TrustedKeys::new([SigningKey::from_seed([8; 32]).public_key()]);
        assert!(matches!(signed.verify(&others), Err(HeadRefused::UnknownKey { .. })));
        assert!(matches!(
            SignedHead::from_note(&note, &others),
            Err(HeadRefused::UnknownKey { .. })
        ));
        assert_eq!(
            SignedHead::from_note(&note.replace("\n7\n", "\n8\n"), &trusted),
            Err(HeadRefused::BadSignature)
        );
        assert!(matches!(
            SignedHead::from_note("", &trusted),
            Err(HeadRefused::Unreadable { .. })
        ));
    }

    #[test]
    fn the_key_is_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.key");
        assert!(matches!(SigningKey::load(&path), Err(KeyRefused::Missing { .. })));
        let made = SigningKey::load_or_create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            SigningKey::load_or_create(&path).unwrap().public_key(),
            made.public_key()
        );
        assert!(!format!("{made:?}").contains(&hex::encode(made.0.to_bytes())));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            SigningKey::load_or_create(&path),
            Err(KeyRefused::OpenToOthers { mode: 0o640, .. })
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "not a key").unwrap();
        assert!(matches!(
            SigningKey::load_or_create(&path),
            Err(KeyRefused::NotAKey { .. })
        ));
        let nowhere = folder.path().join("no/such/folder");
        assert!(matches!(
            SigningKey::load_or_create(&nowhere),
            Err(KeyRefused::Unreadable { .. })
        ));
        let other = folder.path().join("other.key");
        assert_ne!(
            SigningKey::load_or_create(&other).unwrap().public_key(),
            made.public_key()
        );
    }

    proptest! {
        #[test]
        fn any_flipped_bit_of_a_head_is_noticed(at in 0usize..1_000, bit in 0u8..8) {
            let key = SigningKey::from_seed([7; 32]);
            let trusted = TrustedKeys::new([key.public_key()]);
            let mut note = key.sign(head()).to_note(&trusted).unwrap().into_bytes();
            let at = at % note.len();
            note[at] ^= 1 << bit;
            if let Ok(note) = String::from_utf8(note) {
                // The line feed at the very end is the one byte that says nothing.
                prop_assert!(SignedHead::from_note(&note, &trusted).is_err() || at + 1 == note.len());
            }
        }
    }
}
