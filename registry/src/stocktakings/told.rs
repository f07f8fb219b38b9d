//! A stocktaking that is told in one go, as the demo city brings some: each step is held against the procedure, its papers,
//! four eyes and guards, as if it were taken on its day, and what came of it is written once, with one ledger entry for the
//! stocktaking and one for each line.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;
use workflow::step::{Asked, Standing};

use super::content::{Paper, StocktakingContent, StocktakingDetails, Taken};
use super::line::{Decision, Difference, Found, LineContent};
use super::procedure::stocktaking;
use super::progress::{progress, unmet};
use super::transition::apply;
use crate::ids::StocktakingId;
use crate::ledger::Action;
use crate::period::{Revision, ValidPeriod};
use crate::request::Fault;
use crate::versioned::{Occasion, VersionWriter};

/// A line of the frozen list.
#[derive(Debug, Clone)]
pub struct FrozenLine {
    /// Which.
    pub id: Uuid,
    /// `parcel`, `building` or `room`.
    pub kind: String,
    /// The ledger's area, m².
    pub area_m2: Option<Decimal>,
}

/// What is told of a line: it is in place, and perhaps the unit's own ledger says another area.
#[derive(Debug, Clone, Default)]
pub struct LineTold {
    /// The area in the unit's own ledger, where it is another, m².
    pub own_area_m2: Option<Decimal>,
    /// The area that was found on the spot, where it is another, m².
    pub found_area_m2: Option<Decimal>,
    /// What the difference comes from, where somebody explained it.
    pub explanation: Option<&'static str>,
    /// The day on which the unit had corrected its own ledger, where that is done.
    pub corrected_on: Option<Date>,
}

/// Who answers and explains, and who decides.
#[derive(Debug, Clone, Copy)]
pub struct Hands<'a> {
    /// The unit's contact.
    pub contact: &'a str,
    /// The approver.
    pub approver: &'a str,
}

/// A stocktaking as far as it is told.
#[derive(Debug)]
pub struct Telling {
    id: StocktakingId,
    content: StocktakingContent,
    now: OffsetDateTime,
}

fn impossible(what: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: format!("a stocktaking that is told: {what}"),
    }
}

impl Telling {
    /// Begins one of a region and everything below it, without rooms.
    ///
    /// # Errors
    /// The database's.
    pub async fn plan(
        connection: &mut PgConnection,
        (name, region_code): (String, &str),
        as_of: Date,
        by: &str,
        now: OffsetDateTime,
    ) -> Result<Self, Fault> {
        let definition = stocktaking().map_err(impossible)?;
        crate::procedures::keep(connection, definition, now).await?;
        let id = StocktakingId::fresh();
        let mut writer = VersionWriter::<StocktakingContent>::default();
        writer.register(id.0, now);
        writer.flush(connection).await?;
        let content = StocktakingContent {
            name,
            region_code: region_code.to_owned(),
            admin_level: None,
            unit_id: None,
            as_of,
            with_rooms: false,
            definition: definition.digest(),
            state: definition.initial.clone(),
            is_open: true,
            is_finished: false,
            opened_by: by.to_owned(),
            put_forward_by: None,
            decided_by: None,
            lines: None,
            lines_sha256: None,
            details: StocktakingDetails::default(),
        };
        Ok(Self { id, content, now })
    }

    /// Records a paper.
    pub fn paper(&mut self, kind: &str, name: String, by: &str, on: Date) {
        self.content.details.papers.push(Paper {
            kind: kind.to_owned(),
            name,
            document_id: None,
            by: by.to_owned(),
            on,
        });
    }

    /// Takes a step, as the procedure has it.
    ///
    /// # Errors
    /// The database's, and where the procedure doesn't let it be taken.
    pub async fn step(
        &mut self,
        connection: &mut PgConnection,
        transition: &str,
        (by, on): (&str, Date),
        decision_no: Option<&str>,
    ) -> Result<(), Fault> {
        let definition = stocktaking().map_err(impossible)?;
        let documents = self.content.details.documents();
        workflow::step::step(
            definition,
            Standing {
                state: &self.content.state,
                route: None,
                documents: &documents,
                put_forward_by: self.content.put_forward_by.as_deref(),
            },
            Asked {
                transition,
                route: None,
                actor: by,
                has_role: &|_| true,
                decision: decision_no.is_some(),
            },
        )
        .map_err(impossible)?;
        // What was let through, borrowed from the definition alone.
        let transition = definition
            .transition(transition)
            .ok_or_else(|| impossible(transition))?;
        if !transition.guards.is_empty() {
            let progress = progress(connection, self.id).await?;
            if let Some(unmet) = unmet(&transition.guards, &progress, false).first() {
                return Err(impossible(&unmet.en));
            }
        }
        let taken = Taken {
            transition: transition.id.clone(),
            by: by.to_owned(),
            on,
            decision_no: decision_no.map(ToOwned::to_owned),
            reason: None,
        };
        apply(
            connection,
            (self.id, &mut self.content),
            (definition, transition),
            taken,
            self.now,
        )
        .await
        .map_err(|problem| impossible(problem.detail))
    }

    /// The frozen list in its order.
    ///
    /// # Errors
    /// The database's.
    pub async fn lines(&self, connection: &mut PgConnection) -> Result<Vec<FrozenLine>, Fault> {
        Ok(sqlx::query_as!(
            FrozenLine,
            "select id, kind, area_m2 from stocktaking_line where stocktaking_id = $1 order by no",
            self.id.0,
        )
        .fetch_all(connection)
        .await?)
    }

    /// Writes what is told of lines, since a day.
    ///
    /// # Errors
    /// The database's.
    pub async fn answer(
        &self,
        connection: &mut PgConnection,
        told: impl IntoIterator<Item = (Uuid, LineTold)>,
        hands: Hands<'_>,
        since: Date,
        occasion: &Occasion,
    ) -> Result<(), Fault> {
        let mut writer = VersionWriter::<LineContent>::default();
        for (line, told) in told {
            let mut content = LineContent::answered(self.id, Found::InPlace, hands.contact);
            if let Some(own_area_m2) = told.own_area_m2 {
                content.own_area_m2 = Some(own_area_m2.normalize());
                content.difference = Some(Difference::FactsDiffer);
                content.differs.push("own_area".to_owned());
            }
            if let Some(found_area_m2) = told.found_area_m2 {
                content.found = Found::Altered;
                content.found_area_m2 = Some(found_area_m2.normalize());
                content.difference = Some(Difference::FactsDiffer);
                content.differs.insert(0, "area".to_owned());
            }
            if let Some(explanation) = told.explanation {
                content.details.explanation = Some(explanation.to_owned());
                content.explained_by = Some(hands.contact.to_owned());
            }
            if let Some(corrected_on) = told.corrected_on {
                content.decision = Some(Decision::CorrectOwn);
                content.decided_by = Some(hands.approver.to_owned());
                content.settled_on = Some(corrected_on);
            }
            let revision = Revision {
                close: Vec::new(),
                write: vec![(ValidPeriod::since(since), content)],
                at: self.now,
            };
            writer.revise(line, Action::Create, &revision, None, occasion)?;
        }
        writer.flush(connection).await
    }

    /// Writes the stocktaking as it stands, since a day.
    ///
    /// # Errors
    /// The database's.
    pub async fn write(
        mut self,
        connection: &mut PgConnection,
        since: Date,
        frozen_at: OffsetDateTime,
        occasion: &Occasion,
    ) -> Result<(), Fault> {
        self.content.details.frozen_at = Some(frozen_at);
        let mut writer = VersionWriter::default();
        let revision = Revision {
            close: Vec::new(),
            write: vec![(ValidPeriod::since(since), self.content)],
            at: self.now,
        };
        writer.revise(self.id.0, Action::Create, &revision, None, occasion)?;
        writer.flush(connection).await
    }
}
