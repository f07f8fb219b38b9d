//! Random secrets: sessions, API tokens, one-time links and passwords. What is kept of them is a hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::request::Fault;

/// What every API token begins with, so that one that was left lying about is recognised.
const TOKEN_PREFIX: &str = "yice_";
/// 256 bits in base64url.
const LENGTH: usize = 43;

fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Fault::Impossible {
        what: format!("no randomness: {error}"),
    })?;
    Ok(bytes)
}

/// A fresh secret of 256 bits.
pub(super) fn fresh() -> Result<String, Fault> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// A fresh API token.
pub(super) fn fresh_token() -> Result<String, Fault> {
    Ok(format!("{TOKEN_PREFIX}{}", fresh()?))
}

/// A password to be changed at the first sign-in: 16 characters that can't be taken for one another, 79 bits.
pub(super) fn fresh_password() -> Result<String, Fault> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut password = String::with_capacity(19);
    for (place, byte) in random::<16>()?.into_iter().enumerate() {
        if place > 0 && place % 4 == 0 {
            password.push('-');
        }
        // 256 is a multiple of 32: every letter is as likely.
        password.push(char::from(LETTERS.get(usize::from(byte) % 32).copied().unwrap_or(b'x')));
    }
    Ok(password)
}

/// What is kept.
pub(super) fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Has it the form of a session's secret? Nonsense needn't be looked up.
pub(super) fn is_session(text: &str) -> bool {
    text.len() == LENGTH
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Has it the form of an API token?
pub(super) fn is_token(text: &str) -> bool {
    text.strip_prefix(TOKEN_PREFIX).is_some_and(is_session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_their_form_and_are_never_alike() {
        let token = fresh_token().unwrap();
        assert!(is_token(&token) && !is_session(&token));
        assert!(is_session(&fresh().unwrap()));
        assert_ne!(token, fresh_token().unwrap());
        let password = fresh_password().unwrap();
        assert_eq!(password.len(), 19, "{password}");
        assert_ne!(password, fresh_password().unwrap());
        for nonsense in ["", "yice_", "yice_' or 1=1 --", &"x".repeat(44)] {
            assert!(!is_token(nonsense) && !is_session(nonsense), "{nonsense}");
        }
    }
}
