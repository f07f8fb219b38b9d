//! Passwords: what is accepted, and Argon2id on threads that may block, a few at once.

use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use super::People;
use crate::request::{Fault, Problem, ProblemKind};

/// Memory, KiB; passes; lanes: the second of the equally strong sets that OWASP's password storage sheet gives. A hash
/// remembers its own, so that these may change.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Characters a password of one's own has at least (NIST SP 800-63B asks for 8 and against rules of composition).
const SHORTEST: usize = 10;
/// More than this is no password but an attack on the machine.
pub(super) const LONGEST_BYTES: usize = 1024;
/// How long a sign-in waits for its turn to be hashed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Passwords that everybody tries first.
const TOO_COMMON: [&str; 12] = [
    "1234567890",
    "0123456789",
    "12345678910",
    "123456789a",
    "qwertyuiop",
    "1q2w3e4r5t",
    "password123",
    "password1234",
    "passw0rd123",
    "admin12345",
    "administrator",
    "woaini1314520",
];

fn argon2() -> Result<Argon2<'static>, Fault> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(broken)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn broken(error: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: format!("Argon2: {error}"),
    }
}

fn hash(password: &str) -> Result<String, Fault> {
    let hash: PasswordHash = argon2()?.hash_password(password.as_bytes()).map_err(broken)?;
    Ok(hash.to_string())
}

/// A hash that no password has, for names that nobody has: finding that out takes as long.
fn nobodys() -> Result<&'static str, Fault> {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    if let Some(hash) = NOBODYS.get() {
        return Ok(hash);
    }
    let made = hash(&super::secret::fresh()?)?;
    Ok(NOBODYS.get_or_init(|| made))
}

/// The password's hash, a PHC string, made here and now: for commands.
pub(super) fn hash_now(password: &str) -> Result<String, Fault> {
    hash(password)
}

impl People {
    /// Works on a thread that may block, when its turn comes.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(PATIENCE, self.inner.hashing.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(
                Problem::new(ProblemKind::Unavailable, "too many people sign in at this moment")
                    .remedy("try again in a moment"),
            );
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(broken)?;
        Ok(done?)
    }

    /// The password's hash, a PHC string.
    pub(super) async fn hash(&self, password: &str) -> Result<String, Problem> {
        let password = password.to_owned();
        self.in_turn(move || hash(&password)).await
    }

    /// What Argon2 was made to work so far, KiB.
    #[cfg(test)]
    pub(super) fn work_kib(&self) -> u64 {
        self.inner.work_kib.load(Ordering::Relaxed)
    }

    /// Is it the password? Without a hash the answer is no, and takes as much work.
    pub(super) async fn verify(&self, password: &str, stored: Option<String>) -> Result<bool, Problem> {
        let password = password.to_owned();
        let inner = std::sync::Arc::clone(&self.inner);
        self.in_turn(move || {
            let is_known = stored.is_some();
            let stored = match &stored {
                Some(stored) => stored,
                None => nobodys()?,
            };
            let stored = PasswordHash::new(stored).map_err(broken)?;
            let asked = Params::try_from(&stored).map_err(broken)?;
            inner
                .work_kib
                .fetch_add(u64::from(asked.m_cost()) * u64::from(asked.t_cost()), Ordering::Relaxed);
            Ok(argon2()?.verify_password(password.as_bytes(), &stored).is_ok() && is_known)
        })
        .await
    }
}

/// Is it good enough to be somebody's password?
///
/// # Errors
/// A problem naming the field, and what to choose instead.
pub fn check_new_password(field: &str, password: &str, username: &str) -> Result<(), Problem> {
    let refuse = |words: String, remedy: &str| Err(Problem::invalid(field, words).remedy(remedy));
    let characters = password.chars().count();
    if characters < SHORTEST {
        return refuse(
            format!("it has {characters} characters, {SHORTEST} is the least"),
            "choose a longer one: a few words that belong together for you alone",
        );
    }
    if password.len() > LONGEST_BYTES {
        return refuse(
            format!("it has {} bytes, {LONGEST_BYTES} is the most", password.len()),
            "choose a shorter one",
        );
    }
    let lower = password.to_lowercase();
    let mut letters: Vec<char> = lower.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < 4 || TOO_COMMON.contains(&lower.as_str()) || (username.len() > 2 && lower.contains(username)) {
        return refuse(
            "it is one that others try first".to_owned(),
            "choose one without your name, without repeating a few letters, that is on nobody's list",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_and_knows_its_password_alone() {
        let people = People::default();
        let stored = people.hash("三年 行动 方案 2023").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, people.hash("三年 行动 方案 2023").await.unwrap());
        assert!(
            people
                .verify("三年 行动 方案 2023", Some(stored.clone()))
                .await
                .unwrap()
        );
        assert!(!people.verify("三年 行动 方案 2024", Some(stored)).await.unwrap());
        assert!(!people.verify("三年 行动 方案 2023", None).await.unwrap());
        // What is no hash is a fault of ours, not a way in.
        assert!(people.verify("x", Some("plain".to_owned())).await.is_err());
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in [
            "",
            "short",
            "1234567890",
            "aaaaaaaaaaaa",
            "ababababab",
            "wang.fang-2026",
            "Password123",
        ] {
            assert!(check_new_password("new_password", weak, "wang.fang").is_err(), "{weak}");
        }
        assert!(check_new_password("new_password", &"长".repeat(400), "wang.fang").is_err());
        for good in ["三年行动方案提质增效", "correct horse battery", "rxmk-72pd-jjva-44qe"] {
            assert!(check_new_password("new_password", good, "wang.fang").is_ok(), "{good}");
        }
    }
}
