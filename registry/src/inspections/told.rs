//! An inspection that is told in one go, as the demo city brings one: each step is held against the procedure, its papers,
//! four eyes and guards, as if it were taken on its day, and what came of it is written once.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;
use workflow::step::{Asked, Standing};

use super::content::{Document, Fact, InspectionContent, InspectionDetails, Record, SelfCheck, Taken, Target, Visit};
use super::draw::stock;
use super::findings::{FindingContent, FindingDetails, FindingStep, due_by};
use super::guards::{Around, FindingTotals, unmet};
use super::plan::start_clock;
use super::procedure::{Definition, Effect, definition};
use super::sample::{ChosenBuilding, Sample, Weighting, draw, stock_digest};
use crate::ids::{InspectionFindingId, InspectionId};
use crate::ledger::Action;
use crate::period::{Revision, ValidPeriod};
use crate::request::Fault;
use crate::versioned::{Occasion, VersionWriter};
use crate::working_days::WorkingCalendar;

/// The beginning: what is inspected.
#[derive(Debug)]
pub struct Plan<'a> {
    /// What it is called.
    pub title: String,
    /// Where.
    pub region_code: &'a str,
    /// Of which level.
    pub admin_level: &'a str,
    /// 考核期
    pub period: (Date, Date),
    /// The day as of which the book is read.
    pub as_of: Date,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct FindingTold {
    /// The rule that is broken.
    pub rule: &'static str,
    /// The building.
    pub building: Uuid,
    /// Where it lies.
    pub region_code: String,
    /// Whose it is to put right.
    pub unit_id: Option<Uuid>,
    /// What was found, in words.
    pub says: String,
    /// So many working days from the notice.
    pub days: i32,
    /// What was done about it, by whom and when, where something was.
    pub rectified: Option<(&'static str, &'static str, Date)>,
}

/// An inspection as far as it is told.
#[derive(Debug)]
pub struct Telling {
    id: InspectionId,
    content: InspectionContent,
    findings: Vec<FindingContent>,
    now: OffsetDateTime,
}

/// What is told was told by the calendars that the program carries.
fn calendar() -> Result<&'static WorkingCalendar, Fault> {
    WorkingCalendar::published().map_err(impossible)
}

fn impossible(what: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: format!("an inspection that is told: {what}"),
    }
}

fn carried() -> Result<&'static Definition, Fault> {
    definition().map_err(impossible)
}

impl Telling {
    /// Begins one of a region's own level.
    ///
    /// # Errors
    /// The database's.
    pub async fn plan(
        connection: &mut PgConnection,
        plan: Plan<'_>,
        by: &str,
        now: OffsetDateTime,
    ) -> Result<Self, Fault> {
        let definition = carried()?;
        crate::procedures::keep(connection, definition, now).await?;
        let content = InspectionContent {
            title: plan.title,
            region_code: plan.region_code.to_owned(),
            admin_level: plan.admin_level.to_owned(),
            target: Target::OwnLevel,
            unit_id: None,
            period_from: plan.period.0,
            period_to: plan.period.1,
            as_of: plan.as_of,
            definition: definition.digest(),
            state: definition.initial.clone(),
            is_open: true,
            opened_by: by.to_owned(),
            put_forward_by: None,
            decided_by: None,
            due_on: None,
            score: None,
            grade: None,
            details: InspectionDetails::default(),
        };
        Ok(Self {
            id: InspectionId::fresh(),
            content,
            findings: Vec::new(),
            now,
        })
    }

    fn record(&mut self, by: &str, on: Date, fact: Fact) {
        let no = u32::try_from(self.content.details.records.len() + 1).unwrap_or(u32::MAX);
        self.content.details.records.push(Record {
            no,
            by: by.to_owned(),
            at: on.midnight().assume_utc() + time::Duration::hours(1),
            state: self.content.state.clone(),
            fact,
        });
    }

    /// Records a paper.
    pub fn paper(&mut self, kind: &str, name: String, by: &str, on: Date) {
        let document = Document {
            kind: kind.to_owned(),
            name,
            file: None,
        };
        self.record(by, on, Fact::Document(document));
    }

    /// Records the self-check.
    pub fn self_check(&mut self, statement: &str, problems: u32, by: &str, on: Date) {
        let said = SelfCheck {
            statement: statement.to_owned(),
            problems,
        };
        self.record(by, on, Fact::SelfCheck(said));
    }

    /// Draws the sample from what the book holds on its day, and takes what is chosen by hand beside it.
    ///
    /// # Errors
    /// The database's.
    pub async fn sample(
        &mut self,
        connection: &mut PgConnection,
        (seed, number): (&str, usize),
        chosen: &[(Uuid, &str)],
        by: &str,
    ) -> Result<(), Fault> {
        let stock = stock(connection, &self.content, self.now).await?;
        let number = number.min(stock.len());
        let drawn = draw(seed, &stock, number, Weighting::Area);
        let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
        self.content.details.sample = Some(Sample {
            seed: seed.to_owned(),
            weighting: Weighting::Area,
            share: None,
            number: count(number),
            stock: count(stock.len()),
            stock_sha256: stock_digest(&stock),
            as_of: self.content.as_of,
            known_at: self.now,
            chosen: chosen
                .iter()
                .filter(|(id, _)| !drawn.contains(id))
                .map(|(id, reason)| ChosenBuilding {
                    asset_id: *id,
                    reason: (*reason).to_owned(),
                })
                .collect(),
            drawn,
            by: by.to_owned(),
        });
        Ok(())
    }

    /// Records a visit to every building of the sample.
    pub fn visits(&mut self, people: &str, by: &str, on: Date, summary: impl Fn(Uuid) -> String) {
        for asset_id in self.content.details.sampled() {
            let visit = Visit {
                asset_id,
                on,
                people: people.to_owned(),
                summary: summary(asset_id),
                file: None,
            };
            self.record(by, on, Fact::Visit(visit));
        }
    }

    /// Registers what was found.
    pub fn found(&mut self, told: FindingTold, by: &str) {
        let steps = told.rectified.map(|(by, text, on)| FindingStep {
            step: "rectify".to_owned(),
            by: by.to_owned(),
            on,
            text: Some(text.to_owned()),
            papers: Vec::new(),
            until: None,
        });
        self.findings.push(FindingContent {
            inspection_id: self.id.0,
            rule: told.rule.to_owned(),
            object_kind: "building".to_owned(),
            thing_id: told.building,
            at_id: Some(told.building),
            region_code: told.region_code,
            unit_id: told.unit_id,
            finding_id: None,
            says: told.says,
            state: if steps.is_some() { "rectified" } else { "open" }.to_owned(),
            days: told.days,
            issued_on: None,
            due_on: None,
            found_by: by.to_owned(),
            rectified_by: steps.as_ref().map(|step| step.by.clone()),
            rechecked_by: None,
            deferred_until: None,
            deferred_by: None,
            details: FindingDetails {
                evidence: Vec::new(),
                steps: steps.into_iter().collect(),
            },
        });
    }

    /// Takes a step, as the procedure has it.
    ///
    /// # Errors
    /// Where the procedure doesn't let it be taken.
    pub fn step(&mut self, transition: &str, (by, on): (&str, Date), number: Option<&str>) -> Result<(), Fault> {
        let definition = carried()?;
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
                decision: number.is_some(),
            },
        )
        .map_err(impossible)?;
        // What was let through, borrowed from the definition alone.
        let transition = definition
            .transition(transition)
            .ok_or_else(|| impossible(transition))?;
        let all = i64::try_from(self.findings.len()).unwrap_or(i64::MAX);
        let around = Around {
            findings: FindingTotals {
                all,
                unsettled: all,
                ..FindingTotals::default()
            },
            scoring: None,
            has_reason: false,
        };
        if let Some(unmet) = unmet(&transition.guards, &self.content, &around).first() {
            return Err(impossible(&unmet.en));
        }
        self.content.state.clone_from(&transition.to);
        self.content.is_open = !definition.is_end(&transition.to);
        self.content.details.taken.push(Taken {
            transition: transition.id.clone(),
            by: by.to_owned(),
            on,
            number: number.map(ToOwned::to_owned),
        });
        start_clock(&mut self.content, definition, on, calendar()?);
        for effect in &transition.effects {
            match effect {
                Effect::NoteProposer => self.content.put_forward_by = Some(by.to_owned()),
                Effect::NoteDecider => self.content.decided_by = Some(by.to_owned()),
                Effect::IssueFindings => self.issue(by, on)?,
                Effect::FreezeScore | Effect::ThawScore => {
                    return Err(impossible("a score isn't told, it is computed"));
                }
            }
        }
        Ok(())
    }

    fn issue(&mut self, by: &str, on: Date) -> Result<(), Fault> {
        let calendar = calendar()?;
        for finding in &mut self.findings {
            finding.issued_on = Some(on);
            finding.due_on = due_by(on, finding.days, calendar);
            let step = FindingStep {
                step: "issue".to_owned(),
                by: by.to_owned(),
                on,
                text: None,
                papers: Vec::new(),
                until: None,
            };
            finding.details.steps.insert(0, step);
        }
        Ok(())
    }

    /// Writes the inspection as it stands and what was found, since a day.
    ///
    /// # Errors
    /// The database's.
    pub async fn write(self, connection: &mut PgConnection, since: Date, occasion: &Occasion) -> Result<(), Fault> {
        fn told<C>(content: C, since: Date, at: OffsetDateTime) -> Revision<C> {
            Revision {
                close: Vec::new(),
                write: vec![(ValidPeriod::since(since), content)],
                at,
            }
        }
        let mut writer = VersionWriter::default();
        writer.register(self.id.0, self.now);
        let revision = told(self.content, since, self.now);
        writer.revise(self.id.0, Action::Create, &revision, None, occasion)?;
        writer.flush(connection).await?;
        let mut writer = VersionWriter::default();
        for finding in self.findings {
            let id = InspectionFindingId::fresh();
            writer.register(id.0, self.now);
            let revision = told(finding, since, self.now);
            writer.revise(id.0, Action::Create, &revision, None, occasion)?;
        }
        writer.flush(connection).await
    }
}
