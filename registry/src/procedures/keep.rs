//! Definitions by their digest.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use time::OffsetDateTime;
use workflow::{Definition, Vocabulary, Word};

use crate::request::Fault;

/// Keeps a definition under which a case begins.
///
/// # Errors
/// The database's.
pub async fn keep<G: Word, E: Word>(
    connection: &mut PgConnection,
    definition: &Definition<G, E>,
    now: OffsetDateTime,
) -> Result<(), Fault> {
    sqlx::query!(
        "insert into workflow_definition (digest, workflow, text, kept_at)
         values ($1, $2, $3, $4)
         on conflict (digest) do nothing",
        definition.digest(),
        definition.id,
        definition.text(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The definition that a case began with: the one that the program carries, else the one that was kept.
///
/// # Errors
/// The database's; or where what was kept is gone, or names something that this program doesn't know any more.
pub async fn began_with<G: Word, E: Word>(
    connection: &mut PgConnection,
    carried: &'static Definition<G, E>,
    digest: Option<&str>,
    known: Vocabulary<'_>,
) -> Result<Cow<'static, Definition<G, E>>, Fault> {
    // Cases from before definitions were kept have none.
    let Some(digest) = digest.filter(|digest| *digest != carried.digest()) else {
        return Ok(Cow::Borrowed(carried));
    };
    let kept = sqlx::query!(
        "select workflow, text from workflow_definition where digest = $1",
        digest
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| Fault::Impossible {
        what: format!("the definition {digest} of a case is not kept"),
    })?;
    Definition::read(&kept.workflow, &kept.text, known)
        .map(Cow::Owned)
        .map_err(|refused| Fault::Impossible {
            what: format!("the definition {digest}, kept once, is refused now: {refused}"),
        })
}

/// The definitions that many cases began with, read at once.
#[derive(Debug)]
pub struct Kept<G: Word + 'static, E: Word + 'static> {
    by_digest: BTreeMap<String, Cow<'static, Definition<G, E>>>,
}

impl<G: Word + 'static, E: Word + 'static> Kept<G, E> {
    /// Reads those of these digests that the program doesn't carry.
    ///
    /// # Errors
    /// As of [`began_with`].
    pub async fn read(
        connection: &mut PgConnection,
        carried: &[&'static Definition<G, E>],
        digests: &[&str],
        known: Vocabulary<'_>,
    ) -> Result<Self, Fault> {
        let mut by_digest: BTreeMap<String, Cow<'static, Definition<G, E>>> = carried
            .iter()
            .map(|definition| (definition.digest(), Cow::Borrowed(*definition)))
            .collect();
        let others: BTreeSet<&str> = digests
            .iter()
            .copied()
            .filter(|digest| !by_digest.contains_key(*digest))
            .collect();
        if !others.is_empty() {
            let others: Vec<String> = others.into_iter().map(ToOwned::to_owned).collect();
            let rows = sqlx::query!(
                "select digest, workflow, text from workflow_definition where digest = any($1)",
                &others,
            )
            .fetch_all(connection)
            .await?;
            for row in rows {
                let definition =
                    Definition::read(&row.workflow, &row.text, known).map_err(|refused| Fault::Impossible {
                        what: format!("the definition {}, kept once, is refused now: {refused}", row.digest),
                    })?;
                by_digest.insert(row.digest, Cow::Owned(definition));
            }
        }
        Ok(Self { by_digest })
    }

    /// The one of a digest.
    ///
    /// # Errors
    /// Where it isn't kept.
    pub fn of(&self, digest: &str) -> Result<&Definition<G, E>, Fault> {
        self.by_digest
            .get(digest)
            .map(AsRef::as_ref)
            .ok_or_else(|| Fault::Impossible {
                what: format!("the definition {digest} of a case is not kept"),
            })
    }
}
