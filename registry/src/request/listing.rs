//! A list that is read page by page, in an order the client chooses.

use axum::http::Uri;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Cursor, Page, PageQuery, Problem};

/// A column a list can be sorted by.
#[derive(Debug, Clone, Copy)]
pub struct SortColumn {
    /// What clients call it.
    pub name: &'static str,
    /// The SQL that gives it, never null.
    pub expression: &'static str,
    /// Does it give a `float8`? A text otherwise.
    pub is_number: bool,
}

/// The last row's place in the order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum SortValue {
    Number(f64),
    Text(String),
}

/// One page of a list as it was asked for. The rows come from `v`, a version table, and stand by `v.object_id` where
/// they are equal otherwise.
#[derive(Debug)]
pub struct Listing {
    address: String,
    limit: u32,
    column: SortColumn,
    descending: bool,
    after: Option<(SortValue, Uuid)>,
}

/// A row with its place in the order.
#[derive(Debug, FromRow)]
pub struct Listed<T> {
    #[sqlx(flatten)]
    row: T,
    object_id: Uuid,
    sort_text: String,
    sort_number: f64,
}

impl<T> Listed<T> {
    /// The row, for what the database does not work out.
    pub fn row_mut(&mut self) -> &mut T {
        &mut self.row
    }
}

impl Listing {
    /// Reads what was asked; without `sort` the first column is the order.
    ///
    /// # Errors
    /// A problem naming the parameter that is not understood.
    pub fn new(
        uri: &Uri,
        columns: &[SortColumn],
        sort: Option<&str>,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Self, Problem> {
        let limit = PageQuery { limit, cursor: None }.limit()?;
        let sort = sort.filter(|sort| !sort.is_empty());
        let (descending, name) = sort.map_or((false, None), |sort| {
            sort.strip_prefix('-')
                .map_or((false, Some(sort)), |name| (true, Some(name)))
        });
        let column = columns
            .iter()
            .find(|column| name.is_none_or(|name| name == column.name));
        let column = *column.ok_or_else(|| {
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            Problem::bad(
                "sort",
                format!("{:?} is no column to sort by", name.unwrap_or_default()),
            )
            .remedy(format!(
                "sort by one of {}, with a minus in front to turn it round",
                names.join(", ")
            ))
        })?;
        let address = without_cursor(uri);
        let after = match cursor {
            None => None,
            Some(cursor) => {
                let (value, id): (SortValue, Uuid) = Cursor::decode(cursor, &address)?;
                if matches!(value, SortValue::Number(_)) != column.is_number {
                    return Err(Problem::bad("cursor", "the cursor belongs to another list")
                        .remedy("begin again without a cursor"));
                }
                Some((value, id))
            }
        };
        Ok(Self {
            address,
            limit,
            column,
            descending,
            after,
        })
    }

    /// Appends the columns that [`Listed`] takes beside the row's own, to a select list that ends in a comma.
    pub fn push_columns(&self, select: &mut QueryBuilder<Postgres>) {
        select.push(" v.object_id, ");
        if self.column.is_number {
            select
                .push("'' as sort_text, ")
                .push(self.column.expression)
                .push(" as sort_number");
        } else {
            select
                .push(self.column.expression)
                .push(" as sort_text, 0::float8 as sort_number");
        }
    }

    /// Appends the rest of the statement after its last condition: where the page begins, its order and its length.
    pub fn push_page(&self, select: &mut QueryBuilder<Postgres>) {
        let expression = self.column.expression;
        if let Some((value, id)) = &self.after {
            select.push(" and (").push(expression).push(", v.object_id)");
            select.push(if self.descending { " < (" } else { " > (" });
            match value {
                SortValue::Number(number) => select.push_bind(*number),
                SortValue::Text(text) => select.push_bind(text.clone()),
            };
            select.push(", ").push_bind(*id).push(")");
        }
        let direction = if self.descending { " desc" } else { "" };
        select
            .push(" order by ")
            .push(expression)
            .push(direction)
            .push(", v.object_id")
            .push(direction);
        // One row more than the page tells whether there is a next one.
        select.push(" limit ").push_bind(i64::from(self.limit) + 1);
    }

    /// The page, from the rows that the statement gave.
    pub fn page<T>(&self, mut rows: Vec<Listed<T>>, total: Option<i64>) -> Page<T> {
        let more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        let next = rows.last().filter(|_| more).map(|last| {
            let value = if self.column.is_number {
                SortValue::Number(last.sort_number)
            } else {
                SortValue::Text(last.sort_text.clone())
            };
            let joint = if self.address.contains('?') { '&' } else { '?' };
            let cursor = Cursor::new(&self.address, (value, last.object_id)).encode();
            format!("{}{joint}cursor={cursor}", self.address)
        });
        Page {
            items: rows.into_iter().map(|listed| listed.row).collect(),
            next,
            total,
        }
    }
}

/// The address that was asked, without its cursor.
#[must_use]
pub fn without_cursor(uri: &Uri) -> String {
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="))
        .collect();
    if kept.is_empty() {
        uri.path().to_owned()
    } else {
        format!("{}?{}", uri.path(), kept.join("&"))
    }
}
