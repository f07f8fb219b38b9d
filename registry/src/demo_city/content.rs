//! What the generator says, as the nouns say it.

use gis_data::demo_city::{
    DemoAgreement, DemoAsset, DemoCase, DemoCity, DemoFiling, DemoLease, DemoOccupant, DemoRoom, DemoTitle, DemoUnit,
    DemoUseFiling, Hundredths,
};
use rust_decimal::Decimal;
use serde_json::json;
use time::Date;
use time::format_description::well_known::Iso8601;

use super::{DATASET, day, impossible};
use crate::ids::{LeaseId, ReliefPolicyId, RentReliefId, RoomId, SpatialUnitId, UnitId};
use crate::leases::{InstalmentContent, LeaseContent, LeaseDetails, MovementContent, schedule};
use crate::money::Money;
use crate::occupants::OccupantContent;
use crate::period::ValidPeriod;
use crate::policy_cases::Procedure;
use crate::rent_relief::{PolicyContent, ReliefContent};
use crate::request::Fault;
use crate::rooms::RoomContent;
use crate::spatial_units::{Content, Kind};
use crate::title_cases::{CaseContent, CaseDetails};
use crate::titles::dictionaries::{
    BookState, CoOwnership, Evidence, FilingReason, HolderKind, LandUseScheme, PolicyAction, RightNature, RightType,
};
use crate::titles::{Holder, TitleContent};
use crate::units::UnitContent;
use crate::use_agreements::{AgreementContent, Registration, Status};
use crate::use_filings::{FilingContent, FilingKind};

/// The edition of the land-use classes that the city's parcels declare.
const LAND_USE_SCHEME: &str = "GB21010-2017";

fn decimal(area: Hundredths) -> Decimal {
    Decimal::new(area.0, 2).normalize()
}

pub(super) fn agreement(
    agreement: &DemoAgreement,
    held: &[(RoomId, SpatialUnitId)],
    units: &[UnitId],
) -> Result<AgreementContent, Fault> {
    let unit_id = units
        .get(agreement.unit)
        .copied()
        .ok_or_else(|| impossible(format!("the demo city has no unit {}", agreement.unit)))?;
    let mut building_ids: Vec<_> = held.iter().map(|(_, building)| building.0).collect();
    building_ids.sort_unstable();
    building_ids.dedup();
    let mut room_ids: Vec<_> = held.iter().map(|(room, _)| room.0).collect();
    room_ids.sort_unstable();
    let starts_on = day(agreement.starts_on)?;
    let is_certified = agreement.certificate_no.is_some();
    Ok(AgreementContent {
        unit_id,
        room_ids,
        building_ids,
        purpose: "行政办公".to_owned(),
        approved_area_m2: None,
        starts_on,
        ends_on: agreement.ends_on.map(day).transpose()?,
        status: if is_certified {
            Status::Certified
        } else {
            Status::Signed
        },
        agreement_no: Some(agreement.agreement_no.clone()),
        signed_on: Some(starts_on),
        certificate_no: agreement.certificate_no.clone(),
        certified_on: is_certified.then_some(starts_on),
        registration: is_certified.then_some(Registration::First),
        transfer_slip_no: None,
        documents: Vec::new(),
    })
}

pub(super) fn use_filing(
    filing: &DemoUseFiling,
    (year, number): (i32, usize),
    units: &[UnitId],
) -> Result<FilingContent, Fault> {
    let unit_id = units
        .get(filing.unit)
        .copied()
        .ok_or_else(|| impossible(format!("the demo city has no unit {}", filing.unit)))?;
    let kind = FilingKind::of(filing.kind).ok_or_else(|| impossible(format!("{} is no filing", filing.kind)))?;
    Ok(FilingContent {
        unit_id,
        kind,
        year,
        document: match kind {
            FilingKind::LeaderOffices => format!("机管备〔{year}〕{number:03}号"),
            FilingKind::InternalPublication => format!("{year}年度办公用房使用情况公示"),
        },
        note: None,
    })
}

pub(super) fn unit(unit: &DemoUnit, ids: &[UnitId]) -> UnitContent {
    UnitContent {
        code: unit.code.clone(),
        name: unit.name.clone(),
        level: unit.level.to_owned(),
        kind: unit.kind.to_owned(),
        region_code: Some(unit.region.to_owned()),
        parent_id: unit.parent.and_then(|parent| ids.get(parent)).copied(),
        headcount: unit.headcount.clone(),
        dataset: Some(DATASET.to_owned()),
        source_key: Some(unit.code.clone()),
        source_attributes: None,
    }
}

pub(super) fn asset(asset: &DemoAsset, kind: Kind, units: &[UnitId]) -> Result<Content, Fault> {
    let geometry = asset.geometry.as_ref();
    let tile_shape = geometry
        .map(|shape| crate::geometry::tile_shape(shape).map_err(|problem| impossible(problem.detail)))
        .transpose()?;
    let said = |text: &str| Some(text.to_owned());
    Ok(Content {
        code: asset.code.clone(),
        name: asset.name.clone(),
        address: said(&asset.address),
        region_code: said(asset.region),
        unit_id: asset.unit.and_then(|unit| units.get(unit)).copied(),
        title_status: asset.title_status.and_then(said),
        usage: said(asset.usage),
        occupancy: said(asset.occupancy),
        idle_since: asset
            .idle_since
            .as_deref()
            .map(|day| Date::parse(day, &Iso8601::DATE).map_err(impossible))
            .transpose()?,
        area_m2: geometry.and_then(crate::geometry::area_m2),
        registered_area_m2: asset.registered_area.map(decimal),
        unit_code: asset.unit_code.clone(),
        land_use_scheme: asset.land_use.and(said(LAND_USE_SCHEME)),
        land_use_code: asset.land_use.and_then(said),
        floors_above: asset.storeys_above,
        floors_below: asset.storeys_below,
        structure: asset.structure.and_then(said),
        completed_year: asset.completed,
        geometry: geometry.map(crate::geometry::ewkb).transpose()?,
        tile_shape,
        // The city's own (市本级): what the province or a county has there is not in the example.
        admin_level: said("city"),
        secrecy: said("public"),
        source_attributes: if asset.attributes.is_empty() {
            None
        } else {
            Some(serde_json::value::to_raw_value(&asset.attributes).map_err(impossible)?)
        },
        ..Content::empty(kind)
    })
}

pub(super) fn room(room: &DemoRoom, building_id: SpatialUnitId, units: &[UnitId]) -> RoomContent {
    RoomContent {
        building_id,
        floor: room.floor,
        number: room.number.clone(),
        name: room.name.map(ToOwned::to_owned),
        use_area_m2: Some(decimal(room.use_area)),
        building_area_m2: Some(decimal(room.building_area)),
        unit_id: room.unit.and_then(|unit| units.get(unit)).copied(),
        occupancy: Some(room.occupancy.to_owned()),
        dataset: Some(DATASET.to_owned()),
        source_key: Some(room.key.clone()),
        source_attributes: None,
        room_type: room.room_type.map(ToOwned::to_owned),
        purpose: room.purpose.map(ToOwned::to_owned),
        part_of_id: None,
        type_basis: room.type_basis.map(ToOwned::to_owned),
    }
}

/// Each of a list's codes is one of the registry's: the generator speaks its words.
fn word<T>(code: &str, of: fn(&str) -> Option<T>) -> Result<T, Fault> {
    of(code).ok_or_else(|| impossible(format!("the demo city says {code}, which is not of the list")))
}

pub(super) fn title(
    title: &DemoTitle,
    parcels: Vec<SpatialUnitId>,
    buildings: Vec<SpatialUnitId>,
    units: &[UnitId],
) -> Result<TitleContent, Fault> {
    let sorted = |ids: Vec<SpatialUnitId>| {
        let mut ids: Vec<_> = ids.into_iter().map(|id| id.0).collect();
        ids.sort_unstable();
        ids
    };
    let [accepted_on, recorded_on, issued_on] = &title.dates;
    let term = |end: fn(&(&'static str, &'static str)) -> &'static str| {
        title.term.as_ref().map(|term| day(end(term))).transpose()
    };
    Ok(TitleContent {
        book_state: BookState::Current,
        evidence: Evidence::Both,
        unit_code: Some(title.unit_code.clone()),
        cert_no: Some(title.cert_no.clone()),
        print_serial: None,
        old_land_certificate: None,
        old_house_certificate: None,
        holders: vec![Holder {
            name: title.holder.clone(),
            kind: word(title.holder_kind, HolderKind::of)?,
            unit_id: title.holder_unit.and_then(|unit| units.get(unit)).map(|unit| unit.0),
            id_number: None,
            share: None,
        }],
        co_ownership: CoOwnership::Sole,
        location: Some(title.location.clone()),
        right_type: word(title.right_type, RightType::of)?,
        right_nature_land: Some(word(title.right_nature, RightNature::of)?),
        right_nature_house: None,
        land_use_scheme: title.land_use.map(|_| LandUseScheme::Gb2017),
        land_use_code: title.land_use.map(ToOwned::to_owned),
        house_use: None,
        land_area_m2: title.land_area.map(decimal),
        house_area_m2: title.house_area.map(decimal),
        term_from: term(|term| term.0)?,
        term_to: term(|term| term.1)?,
        other_state: None,
        remark: None,
        registry: Some("常州市自然资源和规划局".to_owned()),
        accepted_on: Some(day(accepted_on)?),
        recorded_on: Some(day(recorded_on)?),
        issued_on: Some(day(issued_on)?),
        policy_action: None,
        registration_type: None,
        parcel_ids: sorted(parcels),
        building_ids: sorted(buildings),
        case_id: None,
    })
}

/// What it says before the nature of the right changed: allocated land has no term.
pub(super) fn title_before(content: &TitleContent, nature: &str) -> Result<TitleContent, Fault> {
    Ok(TitleContent {
        right_nature_land: Some(word(nature, RightNature::of)?),
        term_from: None,
        term_to: None,
        ..content.clone()
    })
}

pub(super) fn filing(
    filing: &DemoFiling,
    asset: SpatialUnitId,
    review_on: Date,
    definition: String,
) -> Result<CaseContent, Fault> {
    let is_filed = filing.state == "filed";
    Ok(CaseContent {
        asset_id: asset.0,
        unit_code: None,
        title_id: None,
        state: filing.state.to_owned(),
        opened_by: "system:demo-city".to_owned(),
        submitted_by: Some("演示经办人".to_owned()),
        reviewed_by: Some("演示审核人".to_owned()),
        due_on: None,
        review_on: is_filed.then_some(review_on),
        disposal_frozen: is_filed,
        details: CaseDetails {
            policy_action: Some(if is_filed {
                PolicyAction::File
            } else {
                PolicyAction::KeepInUnit
            }),
            approval: filing.approval.clone(),
            filing_reasons: filing
                .reason
                .map(|reason| word(reason, FilingReason::of))
                .transpose()?
                .into_iter()
                .collect(),
            filing_evidence: is_filed.then(|| "演示：来源说明与测绘报告".to_owned()),
            ..CaseDetails::default()
        },
        definition: Some(definition),
    })
}

pub(super) fn occupant(occupant: &DemoOccupant, room_id: RoomId) -> Result<OccupantContent, Fault> {
    let day = |text: Option<&str>| {
        text.map(|text| Date::parse(text, &Iso8601::DATE).map_err(impossible))
            .transpose()
    };
    Ok(OccupantContent {
        room_id,
        person: occupant.person.clone(),
        staff_number: Some(occupant.staff_number.clone()),
        unit_id: None,
        rank: occupant.rank.to_owned(),
        post: occupant.post.to_owned(),
        post_ends: day(occupant.post_ends)?,
        left_on: day(occupant.left_on)?,
        approved_area_m2: occupant.approved_area.map(decimal),
        second_office_approval: None,
    })
}

/// A policy case as it stands.
pub(super) fn case(
    case: &DemoCase,
    asset: SpatialUnitId,
    unit: Option<UnitId>,
    rejected: &[SpatialUnitId],
    since: Date,
) -> Result<crate::policy_cases::CaseContent, Fault> {
    const MANAGER: &str = "demo-asset-manager";
    let procedure = Procedure::parse(case.procedure).ok_or_else(|| impossible(case.procedure))?;
    let definition = procedure.definition().map_err(impossible)?;
    let at = format!("{since}T01:00:00Z");
    let record = |no: u32, state: &str, fact: serde_json::Value| json!({"no": no, "by": MANAGER, "at": at, "state": state, "fact": fact});
    let paper = |no: u32, state: &str, kind: &str| {
        record(
            no,
            state,
            json!({"record": "document", "kind": kind, "name": "演示材料"}),
        )
    };
    let taken = |step: &str, by: &str| json!({"transition": step, "by": by, "on": since.to_string()});
    let approval = json!([{"what": "approval", "office": "bureau", "number": "演示〔2026〕1号", "on": since.to_string(), "by": "demo-approver"}]);
    let said = match case.state {
        "verified" => json!({
            "idle_reason": "surplus",
            "records": [
                paper(1, "identified", "site_survey"),
                record(2, "identified", json!({"record": "verification", "on": since.to_string(), "measured_m2": "1200",
                       "book_value": "3600000.00", "safe": true, "title_note": "产权清晰"})),
            ],
            "taken": [taken("verify", MANAGER)],
        }),
        "working" => json!({
            "records": [record(1, "planned", json!({"record": "works", "started_on": since.to_string(), "contractor": "演示建设公司"}))],
            "decisions": approval,
            "taken": [taken("apply", "demo-unit-contact"), taken("plan", "demo-approver"), taken("start", MANAGER)],
            "occupancy_before": "in_use",
        }),
        "renting" => json!({
            "need": {"use_area_m2": "300", "purpose": "业务用房不足", "vacates": false},
            "records": [record(1, "approved", json!({"record": "lease_in", "number": "演示租1号", "landlord": "演示公司", "address": "演示路1号",
                "asset_id": asset.0, "use_area_m2": "300", "from": since.to_string(),
                "to": since.saturating_add(time::Duration::days(730)).to_string(), "rent_year": "180000.00", "market_rent_year": "200000.00"}))],
            "decisions": approval,
            "taken": [taken("apply", "demo-unit-contact"), taken("approve", "demo-approver"), taken("contract", MANAGER)],
        }),
        _ => json!({"idle_reason": "surplus"}),
    };
    let mut said = said;
    let records = said.get_mut("records").and_then(serde_json::Value::as_array_mut);
    if let Some(records) = records.filter(|_| !rejected.is_empty()) {
        let reasons: Vec<_> = rejected
            .iter()
            .map(|id| json!({"asset_id": id.0, "reason": "距服务对象过远，结构不适合对外服务"}))
            .collect();
        let search = json!({"record": "stock_search", "on": since.to_string(), "finding": "已逐处核对同城存量", "rejected": reasons});
        records.insert(0, record(1, "applied", search));
        for (no, record) in records.iter_mut().enumerate() {
            record["no"] = json!(no + 1);
        }
    }
    let mut details: crate::policy_cases::CaseDetails = serde_json::from_value(said).map_err(impossible)?;
    let calendar = crate::working_days::WorkingCalendar::published().map_err(impossible)?;
    let deadline = definition.state(case.state).and_then(|state| state.deadline.as_ref());
    details.clock = deadline.map(|deadline| workflow::Clock {
        started_on: since,
        days: deadline.days,
        count: deadline.count,
        pauses: Vec::new(),
    });
    let due_on = details
        .clock
        .as_ref()
        .and_then(|clock| match clock.due(&|day| calendar.is_working_day(day)) {
            workflow::Due::On(day) => Some(day),
            _ => None,
        });
    let watched = details.lease_in().map(|lease| lease.to);
    let is_judged = matches!(case.state, "working" | "renting");
    Ok(crate::policy_cases::CaseContent {
        asset_id: Some(asset.0),
        procedure,
        definition: definition.digest(),
        state: case.state.to_owned(),
        is_open: true,
        route: None,
        region_code: Some(case.region.to_owned()),
        opened_by: MANAGER.to_owned(),
        put_forward_by: is_judged.then(|| "demo-unit-contact".to_owned()),
        decided_by: is_judged.then(|| "demo-approver".to_owned()),
        due_on: due_on.or(watched),
        details,
        unit_id: unit.map(|unit| unit.0),
    })
}

/// The policy by which rent of the city is waived.
pub(super) fn relief_policy() -> Result<PolicyContent, Fault> {
    Ok(PolicyContent {
        name: "2026年阶段性减免房租".to_owned(),
        document: "常政办发〔2026〕演示1号".to_owned(),
        region_code: None,
        months_from: day("2026-01-01")?,
        months_to: day("2026-06-30")?,
        months: 3,
        sizes: ["medium", "micro", "small"].map(ToOwned::to_owned).to_vec(),
        self_employed: true,
        sectors: Vec::new(),
    })
}

pub(super) fn lease(
    lease: &DemoLease,
    asset_id: SpatialUnitId,
    city: &DemoCity,
    units: &[UnitId],
) -> Result<(ValidPeriod, LeaseContent), Fault> {
    let unit = lease
        .unit
        .and_then(|unit| Some((city.units.get(unit)?.name.clone(), units.get(unit)?.0)));
    let (unit_name, unit_id) = unit.unzip();
    let rent = Money::of_cents(i64::from(lease.rent_yuan) * 100);
    let details = LeaseDetails {
        lessor_unit_id: unit_id.filter(|_| !lease.is_in),
        lessee_unit_id: unit_id.filter(|_| lease.is_in),
        purpose: Some(if lease.is_in { "办公" } else { "商业" }.to_owned()),
        rent_basis: "month".to_owned(),
        rent,
        rhythm: "monthly".to_owned(),
        price_basis: if lease.is_public {
            "public_letting"
        } else {
            "negotiated"
        }
        .to_owned(),
        exchange: lease.is_public.then(|| "常州市公共资源交易中心".to_owned()),
        exchange_record: lease.is_public.then(|| format!("演示招租{}", lease.code)),
        approved_area_m2: lease.approved_area.map(decimal),
        land_income_document: lease.has_land_income.then(|| "演示：土地收益随租金一并缴库".to_owned()),
        ..LeaseDetails::default()
    };
    let content = LeaseContent {
        asset_id: Some(asset_id),
        direction: if lease.is_in { "in" } else { "out" }.to_owned(),
        room_ids: Vec::new(),
        room_areas_m2: Vec::new(),
        area_m2: decimal(lease.area),
        lessor_kind: match (lease.is_in, &unit_name) {
            (true, _) => "private",
            (false, Some(_)) => "using_unit",
            (false, None) => "bureau",
        }
        .to_owned(),
        lessor_name: if lease.is_in {
            lease.other.clone()
        } else {
            unit_name.clone().unwrap_or_else(|| "常州市机关事务管理局".to_owned())
        },
        lessee_kind: if lease.is_in { "unit" } else { "enterprise" }.to_owned(),
        lessee_size: (!lease.is_in).then(|| "small".to_owned()),
        lessee_sector: (!lease.is_in).then(|| "services".to_owned()),
        lessee_name: if lease.is_in {
            unit_name.unwrap_or_else(|| lease.other.clone())
        } else {
            lease.other.clone()
        },
        is_sublet: false,
        ends_on: day(&lease.to)?,
        monthly_rent: rent,
        contract_number: Some(lease.code.clone()),
        approval_number: lease.approval.clone(),
        renews_id: None,
        end_reason: None,
        details,
        address: None,
        unit_id: None,
        case_id: None,
    };
    Ok((ValidPeriod::since(day(&lease.from)?), content))
}

/// The rows of a lease's rent.
pub(super) fn rent(content: &LeaseContent, valid: ValidPeriod) -> Vec<(ValidPeriod, InstalmentContent)> {
    schedule(&content.terms(valid.from))
        .into_iter()
        .map(|row| {
            let content = InstalmentContent {
                number: row.number,
                due_on: row.due_on,
                amount: row.amount,
                amount_due: row.amount,
                relief_id: None,
            };
            (row.period, content)
        })
        .collect()
}

/// The relief of a lease, where it has one; its rows are owed no more.
pub(super) fn relief(
    lease: &DemoLease,
    id: LeaseId,
    policy: ReliefPolicyId,
    schedule: &mut [(ValidPeriod, InstalmentContent)],
) -> Result<Option<(RentReliefId, ReliefContent)>, Fault> {
    let from = day("2026-01-01")?;
    let relief = RentReliefId::fresh();
    let mut waived: Vec<&mut InstalmentContent> = schedule
        .iter_mut()
        .filter(|(period, _)| period.from >= from)
        .take(lease.relief_months.into())
        .map(|(_, row)| row)
        .collect();
    if waived.is_empty() {
        return Ok(None);
    }
    for row in &mut waived {
        row.amount_due = Money::NOTHING;
        row.relief_id = Some(relief.0);
    }
    let content = ReliefContent {
        policy_id: lease.has_policy.then_some(policy.0),
        lease_id: id.0,
        state: "approved".to_owned(),
        instalments: waived.iter().map(|row| row.number).collect(),
        amount: Money::sum(waived.iter().map(|row| row.amount)),
        evidence: Some("演示：上门走访".to_owned()),
        end_user_proof: None,
        applied_by: "演示经办人".to_owned(),
        decided_by: Some("演示审批人".to_owned()),
        decision_document: Some("演示：减免批复".to_owned()),
        decision_reason: None,
    };
    Ok(Some((relief, content)))
}

/// What was paid, and what of it went to the treasury on the same day.
pub(super) fn movements(
    lease: &DemoLease,
    content: &LeaseContent,
    schedule: &[(ValidPeriod, InstalmentContent)],
    today: Date,
) -> Result<Vec<(ValidPeriod, MovementContent)>, Fault> {
    let paid_until = lease
        .paid_until
        .as_deref()
        .map(day)
        .transpose()?
        .unwrap_or(today)
        .min(today);
    let kept_until = lease
        .kept_until
        .as_deref()
        .map(day)
        .transpose()?
        .filter(|kept| *kept < paid_until);
    let due = |after: Option<Date>, until: Date| {
        Money::sum(
            schedule
                .iter()
                .filter(|(_, row)| row.due_on <= until && after.is_none_or(|after| row.due_on > after))
                .map(|(_, row)| row.amount_due),
        )
    };
    let mut movements = Vec::new();
    let mut moved = |kind: &str, amount: Money, on: Date| {
        if amount > Money::NOTHING {
            let movement = MovementContent {
                kind: kind.to_owned(),
                amount,
                document: format!(
                    "演示{}-{}",
                    if kind == "payment" { "票据" } else { "缴款书" },
                    lease.code
                ),
                note: None,
                reverses_id: None,
            };
            movements.push((ValidPeriod::since(on), movement));
        }
    };
    if let Some(kept_until) = kept_until {
        moved("payment", due(None, kept_until), kept_until);
    }
    let amount = due(kept_until, paid_until);
    moved("payment", amount, paid_until);
    if content.direction == "out" && kept_until.is_none() {
        moved("remittance", amount, paid_until);
    }
    Ok(movements)
}
