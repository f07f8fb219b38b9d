//! Keyset paging: a page continues after the last row that was seen, so nothing is skipped or shown twice while rows
//! come and go. The cursor is opaque and versioned; it remembers the order and the filters it belongs to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Problem;

/// The most rows one page holds.
pub const MAX_LIMIT: u32 = 1_000;
const DEFAULT_LIMIT: u32 = 50;

/// The paging part of a list's query.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PageQuery {
    /// Rows a page, 1 to 1000; 50 unless told.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The number of rows wanted.
    ///
    /// # Errors
    /// A problem where it is 0 or above the most.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            other => Err(Problem::bad("limit", format!("{other} is outside 1 to {MAX_LIMIT}"))),
        }
    }
}

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The address of the next page; null on the last.
    pub next: Option<String>,
    /// How many rows there are in all; only when asked with `count=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

/// Where a page ended: the sort key of its last row, and a hash of what was asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cursor<K> {
    v: u8,
    asked: String,
    /// The last row's key.
    pub after: K,
}

impl<K: Serialize + DeserializeOwned> Cursor<K> {
    /// A cursor after `after`, for what was `asked` (the list's address and filters without the cursor).
    pub fn new(asked: &str, after: K) -> Self {
        Self {
            v: 1,
            asked: fingerprint(asked),
            after,
        }
    }

    /// The text that goes into the address.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a cursor back.
    ///
    /// # Errors
    /// A problem where it is damaged, of another version or belongs to another question.
    pub fn decode(text: &str, asked: &str) -> Result<K, Problem> {
        let damaged = || {
            Problem::bad("cursor", "the cursor is damaged or belongs to another list")
                .remedy("begin again without a cursor")
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| damaged())?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        if cursor.v != 1 || cursor.asked != fingerprint(asked) {
            return Err(damaged());
        }
        Ok(cursor.after)
    }
}

fn fingerprint(asked: &str) -> String {
    hex::encode(&Sha256::digest(asked)[..8])
}
