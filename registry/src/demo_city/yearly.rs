//! What a bureau does every year, for the demo city: its thresholds (taken over from the examples), the stocktaking of the
//! last full year and one that is going on, and an inspection whose findings are being put right. Each goes the way of its
//! procedure.

use std::collections::HashMap;

use gis_data::Layer;
use gis_data::demo_city::DemoCity;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, Duration, Month};

use super::{Loading, impossible};
use crate::approval_thresholds::example_thresholds;
use crate::ids::{SpatialUnitId, ThresholdId};
use crate::inspections::{FindingTold, InspectionPlan, InspectionTelling};
use crate::request::Fault;
use crate::stocktakings::{Hands, LineTold, StocktakingTelling};
use crate::versioned::VersionWriter;

/// The city's own code.
const CITY: &str = "3204";
/// The district whose stocktaking is going on.
const COUNTED_NOW: &str = "320412";
const MANAGER: &str = "demo-asset-manager";
const HANDS: Hands<'static> = Hands {
    contact: "demo-unit-contact",
    approver: "demo-approver",
};
const INSPECTOR: &str = "demo-inspector";

/// Every so many lines the unit's own ledger differed in the year that is done,
const DIFFERED: usize = 400;
/// and what is there differs in the one that is going on; one in so many isn't answered there yet.
const DIFFERS: usize = 60;
const UNANSWERED: usize = 3;

/// How many faults of buildings the inspection found.
const FOUND: usize = 4;
/// How many buildings were drawn.
const DRAWN: usize = 12;

fn on(year: i32, month: Month, day: u8) -> Result<Date, Fault> {
    Date::from_calendar_date(year, month, day).map_err(impossible)
}

/// What was measured on the spot instead: a part was pulled down.
fn measured_area(area: Decimal) -> Decimal {
    (area * Decimal::new(97, 2)).round_dp(2)
}

impl Loading {
    /// The bureau took the examples over when the registry began; they stay called examples until somebody checks them.
    pub(super) async fn thresholds(&self, connection: &mut PgConnection) -> Result<(), Fault> {
        let mut writer = VersionWriter::default();
        for content in example_thresholds(CITY)? {
            let revision = self.revision(None, content, |_| ())?;
            self.write(&mut writer, ThresholdId::fresh().0, &revision)?;
        }
        writer.flush(connection).await
    }

    /// The stocktaking of the last full year, which is closed by the tenth of March, and this year's of one district.
    pub(super) async fn stocktakings(&self, connection: &mut PgConnection, today: Date) -> Result<(), Fault> {
        let closed_by = on(today.year(), Month::March, 10)?;
        let year = if today >= closed_by {
            today.year() - 1
        } else {
            today.year() - 2
        };
        self.finished_stocktaking(connection, year).await?;
        self.open_stocktaking(connection, today).await
    }

    async fn finished_stocktaking(&self, connection: &mut PgConnection, year: i32) -> Result<(), Fault> {
        let day = |month, day| on(year + 1, month, day);
        let name = format!("{year}年度市级机关房地资产清查盘点（演示）");
        let as_of = on(year, Month::December, 31)?;
        let mut told = StocktakingTelling::plan(connection, (name, CITY), as_of, MANAGER, self.now).await?;
        let frozen = day(Month::January, 10)?;
        told.paper(
            "plan",
            format!("{year}年度清查盘点方案（演示）"),
            MANAGER,
            day(Month::January, 8)?,
        );
        told.step(connection, "freeze", (MANAGER, frozen), None).await?;
        let corrected_on = day(Month::February, 26)?;
        let answers: Vec<_> = told
            .lines(connection)
            .await?
            .into_iter()
            .enumerate()
            .map(|(place, line)| {
                let own = line.area_m2.filter(|_| place % DIFFERED == DIFFERED / 2);
                let said = LineTold {
                    // Once it is corrected it says what the ledger says.
                    own_area_m2: own,
                    explanation: own.map(|_| "分台账沿用旧测绘面积，已按新测绘报告更正"),
                    corrected_on: own.map(|_| corrected_on),
                    ..LineTold::default()
                };
                (line.id, said)
            })
            .collect();
        told.answer(connection, answers, HANDS, corrected_on, &self.occasion)
            .await?;
        told.step(connection, "begin_check", (MANAGER, day(Month::January, 20)?), None)
            .await?;
        told.step(connection, "end_check", (MANAGER, day(Month::February, 10)?), None)
            .await?;
        told.step(
            connection,
            "put_forward",
            (HANDS.contact, day(Month::February, 12)?),
            None,
        )
        .await?;
        let decision = format!("机管盘〔{}〕演示1号", year + 1);
        told.step(
            connection,
            "approve",
            (HANDS.approver, day(Month::February, 25)?),
            Some(&decision),
        )
        .await?;
        told.step(connection, "report", (MANAGER, day(Month::March, 1)?), None)
            .await?;
        told.paper(
            "report",
            format!("{year}年度三相符报告（演示）"),
            MANAGER,
            day(Month::March, 1)?,
        );
        let closed = day(Month::March, 10)?;
        told.step(connection, "close", (HANDS.approver, closed), None).await?;
        told.write(connection, closed, frozen.midnight().assume_utc(), &self.occasion)
            .await
    }

    /// Its units are answering: two lines of three are, and a few differ.
    async fn open_stocktaking(&self, connection: &mut PgConnection, today: Date) -> Result<(), Fault> {
        let (begun, frozen) = (today - Duration::days(14), today - Duration::days(10));
        let year = begun.year();
        let name = format!("{year}年度武进片区清查盘点（演示）");
        let mut told = StocktakingTelling::plan(connection, (name, COUNTED_NOW), frozen, MANAGER, self.now).await?;
        told.paper("plan", format!("{year}年度武进片区盘点方案（演示）"), MANAGER, begun);
        told.step(connection, "freeze", (MANAGER, frozen), None).await?;
        let answers: Vec<_> = told
            .lines(connection)
            .await?
            .into_iter()
            .enumerate()
            .filter(|(place, _)| place % UNANSWERED != 0)
            .map(|(place, line)| {
                let found = line.area_m2.filter(|_| place % DIFFERS == DIFFERS / 2 + 1);
                let said = LineTold {
                    found_area_m2: found.map(measured_area),
                    ..LineTold::default()
                };
                (line.id, said)
            })
            .collect();
        told.answer(connection, answers, HANDS, today - Duration::days(5), &self.occasion)
            .await?;
        told.write(connection, frozen, frozen.midnight().assume_utc(), &self.occasion)
            .await
    }

    /// The city's own level, with a sample of twelve and what the patrols had told of; the notice is out, and of what was
    /// found one thing is put right.
    pub(super) async fn inspection(
        &self,
        connection: &mut PgConnection,
        city: &DemoCity,
        today: Date,
    ) -> Result<(), Fault> {
        let ago = |days: i64| today - Duration::days(days);
        let year = ago(60).year();
        let plan = InspectionPlan {
            title: format!("{year}年度市级机关办公用房巡检考核（演示）"),
            region_code: CITY,
            admin_level: "city",
            period: (on(year, Month::January, 1)?, on(year, Month::December, 31)?),
            as_of: ago(60),
        };
        let mut told = InspectionTelling::plan(connection, plan, INSPECTOR, self.now).await?;
        told.paper(
            "inspection_plan",
            format!("{year}年度巡检考核方案（演示）"),
            INSPECTOR,
            ago(60),
        );
        told.step("plan", (INSPECTOR, ago(58)), None)?;
        let places: HashMap<&str, usize> = city
            .buildings
            .iter()
            .enumerate()
            .map(|(place, building)| (building.key.as_str(), place))
            .collect();
        let mut found: Vec<(SpatialUnitId, FindingTold)> = Vec::new();
        for fault in city
            .faults
            .iter()
            .filter(|fault| matches!(fault.rule, "USE-09" | "ALC-06"))
        {
            let Some(place) = places.get(fault.key.as_str()).copied().filter(|_| found.len() < FOUND) else {
                continue;
            };
            let (id, building) = (self.asset(Layer::Buildings, place)?, &city.buildings[place]);
            let finding = FindingTold {
                rule: fault.rule,
                building: id.0,
                region_code: building.region.to_owned(),
                unit_id: building.unit.and_then(|unit| self.units.get(unit)).map(|unit| unit.0),
                says: format!("现场检查：{}", fault.zh),
                days: 60,
                rectified: found
                    .is_empty()
                    .then(|| (HANDS.contact, "已补办移交手续，待复查（演示）", ago(4))),
            };
            found.push((id, finding));
        }
        let chosen: Vec<_> = found.iter().map(|(id, _)| (id.0, "日常巡查线索，须核实")).collect();
        told.sample(connection, (&format!("常州演示{year}"), DRAWN), &chosen, INSPECTOR)
            .await?;
        told.step("sample", (INSPECTOR, ago(55)), None)?;
        told.self_check("已逐栋自查，发现一处腾退后未办移交。", 1, HANDS.contact, ago(45));
        told.paper(
            "self_check_report",
            "市级机关自查报告（演示）".to_owned(),
            HANDS.contact,
            ago(45),
        );
        told.step("self_check", (HANDS.contact, ago(44)), None)?;
        told.visits("检查组三人（演示）", INSPECTOR, ago(30), |asset| {
            if found.iter().any(|(id, _)| id.0 == asset) {
                "发现问题，见问题清单".to_owned()
            } else {
                "使用与台账一致".to_owned()
            }
        });
        told.paper("on_site_record", "现场检查记录（演示）".to_owned(), INSPECTOR, ago(30));
        told.step("visit", (INSPECTOR, ago(28)), None)?;
        for (_, finding) in found {
            told.found(finding, INSPECTOR);
        }
        told.paper(
            "rectification_notice",
            format!("机管检〔{year}〕演示1号"),
            INSPECTOR,
            ago(20),
        );
        let number = format!("机管检〔{year}〕演示1号");
        told.step("issue", (INSPECTOR, ago(20)), Some(&number))?;
        told.write(connection, ago(20), &self.occasion).await
    }
}
