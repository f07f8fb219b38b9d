//! What can be said of a title, and how it becomes content: every rule that needs the statement alone.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::Date;
use uuid::Uuid;

use super::certificate_number::{CertificateNumber, normalised, print_serial};
use super::content::TitleContent;
use super::dictionaries::{
    BookState, CoOwnership, Evidence, HouseUse, LandUseScheme, PolicyAction, RegistrationType, RightNature, RightType,
};
use super::holder::{Holder, settled};
use crate::period::day;
use crate::request::fields::{plain_text, sane_day};
use crate::request::{DoorRule, Problem};
use crate::unit_code::{Fixture, UnitCode};

/// The first area that is too large for a title, m².
const TOO_LARGE_M2: f64 = 1e11;

/// What can be said of a title. In a change, a field that is absent stays and one that is null is emptied.
#[derive(Debug, Default, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TitleStatement {
    /// True in law from this day; the day of recording unless told, else today.
    #[serde(with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_from: Option<Date>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// 权属状态; current unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub book_state: Option<BookState>,
    /// 证照情况; needed to register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// 不动产单元号, 28 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_code: Option<String>,
    /// 不动产权证号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_no: Option<String>,
    /// 编号: the printer's serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub print_serial: Option<String>,
    /// 国有土地使用证号, as it stands on the paper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_land_certificate: Option<String>,
    /// 房屋所有权证号, as it stands on the paper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_house_certificate: Option<String>,
    /// 权利人
    pub holders: Vec<Holder>,
    /// 共有情况; sole unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub co_ownership: Option<CoOwnership>,
    /// 坐落
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// 权利类型; needed to register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right_type: Option<RightType>,
    /// 权利性质 of the land
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right_nature_land: Option<RightNature>,
    /// 权利性质 of the house
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right_nature_house: Option<String>,
    /// The edition of the land-use classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub land_use_scheme: Option<LandUseScheme>,
    /// The class in that edition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub land_use_code: Option<String>,
    /// 房屋用途
    #[serde(skip_serializing_if = "Option::is_none")]
    pub house_use: Option<HouseUse>,
    /// 土地使用权面积, m²
    #[serde(skip_serializing_if = "Option::is_none")]
    pub land_area_m2: Option<f64>,
    /// 房屋所有权面积, m²
    #[serde(skip_serializing_if = "Option::is_none")]
    pub house_area_m2: Option<f64>,
    /// 使用期限 from
    #[serde(with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub term_from: Option<Date>,
    /// 使用期限 until
    #[serde(with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub term_to: Option<Date>,
    /// 权利其他状况
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_state: Option<String>,
    /// 附记
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// 登记机构
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// 受理日期
    #[serde(with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub accepted_on: Option<Date>,
    /// 登簿日期
    #[serde(with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub recorded_on: Option<Date>,
    /// 发证日期
    #[serde(with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub issued_on: Option<Date>,
    /// The plan's word for how it came about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_action: Option<PolicyAction>,
    /// The law's word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_type: Option<RegistrationType>,
    /// The parcels it covers.
    pub parcel_ids: Vec<Uuid>,
    /// The buildings it covers.
    pub building_ids: Vec<Uuid>,
}

fn text(field: &str, said: Option<&str>, longest: usize) -> Result<Option<String>, Problem> {
    Ok(said
        .map(|said| plain_text(field, said, longest))
        .transpose()?
        .filter(|said| !said.is_empty()))
}

fn area(field: &str, said: Option<f64>) -> Result<Option<Decimal>, Problem> {
    said.map(|area| {
        Decimal::try_from(area)
            .ok()
            .filter(|_| (0.0..TOO_LARGE_M2).contains(&area))
            .map(|area| area.round_dp(4).normalize())
            .ok_or_else(|| {
                Problem::invalid(field, format!("{area} is no area")).remedy("send square metres, 0 or more")
            })
    })
    .transpose()
}

/// The land-use class as its edition writes it: three digits in 2007 (exports drop the leading zero), four since.
fn land_use(
    scheme: Option<LandUseScheme>,
    code: Option<&str>,
) -> Result<(Option<LandUseScheme>, Option<String>), Problem> {
    let Some(code) = text("land_use_code", code, 10)? else {
        return match scheme {
            None => Ok((None, None)),
            Some(_) => Err(Problem::invalid("land_use_code", "the class is missing").remedy("send both or neither")),
        };
    };
    let Some(scheme) = scheme else {
        return Err(Problem::invalid(
            "land_use_scheme",
            "a land-use class needs its edition: the same digits mean different things",
        )
        .remedy("send GB21010-2017, GB21010-2007 or YDYH-2023"));
    };
    let lengths: &[usize] = match scheme {
        LandUseScheme::Gb2017 => &[2, 4],
        LandUseScheme::Gb2007 => &[2, 3],
        LandUseScheme::Ydyh2023 => &[2, 4, 6],
    };
    if !code.bytes().all(|byte| byte.is_ascii_digit()) || !lengths.contains(&code.len()) {
        let lengths: Vec<String> = lengths.iter().map(ToString::to_string).collect();
        return Err(Problem::invalid(
            "land_use_code",
            format!(
                "{code:?} is no class of {}: its classes have {} digits",
                scheme.code(),
                lengths.join(" or ")
            ),
        )
        .remedy("look at the edition that the certificate names")
        .code("land_use_edition"));
    }
    Ok((Some(scheme), Some(code)))
}

impl TitleStatement {
    /// A change laid over what is held: absent stays, null empties.
    ///
    /// # Errors
    /// A problem naming the field that can't be read.
    pub fn over(held: &TitleContent, change: &Map<String, Value>) -> Result<Self, Problem> {
        let impossible = |error: serde_json::Error| {
            Problem::from(crate::request::Fault::Impossible {
                what: error.to_string(),
            })
        };
        let mut all = match serde_json::to_value(Self::of(held)).map_err(impossible)? {
            Value::Object(all) => all,
            _ => Map::new(),
        };
        for (field, value) in change {
            if value.is_null() {
                all.remove(field);
            } else {
                all.insert(field.clone(), value.clone());
            }
        }
        Self::read(Value::Object(all))
    }

    /// Reads a statement.
    ///
    /// # Errors
    /// A problem naming the field that can't be read.
    pub fn read(value: Value) -> Result<Self, Problem> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            Problem::invalid(&error.path().to_string(), error.inner().to_string())
                .remedy("correct it as the interface's description (/openapi.json) says")
        })
    }

    /// Its fields by name; what is empty is left out.
    #[must_use]
    pub fn fields(&self) -> Map<String, Value> {
        // A statement is plain data, it always has JSON.
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }

    /// What a content says.
    #[must_use]
    pub fn of(held: &TitleContent) -> Self {
        let held = held.clone();
        Self {
            valid_from: None,
            reason: None,
            book_state: Some(held.book_state),
            evidence: Some(held.evidence),
            unit_code: held.unit_code,
            cert_no: held.cert_no,
            print_serial: held.print_serial,
            old_land_certificate: held.old_land_certificate,
            old_house_certificate: held.old_house_certificate,
            holders: held.holders,
            co_ownership: Some(held.co_ownership),
            location: held.location,
            right_type: Some(held.right_type),
            right_nature_land: held.right_nature_land,
            right_nature_house: held.right_nature_house,
            land_use_scheme: held.land_use_scheme,
            land_use_code: held.land_use_code,
            house_use: held.house_use,
            land_area_m2: held.land_area_m2.and_then(|area| area.to_f64()),
            house_area_m2: held.house_area_m2.and_then(|area| area.to_f64()),
            term_from: held.term_from,
            term_to: held.term_to,
            other_state: held.other_state,
            remark: held.remark,
            registry: held.registry,
            accepted_on: held.accepted_on,
            recorded_on: held.recorded_on,
            issued_on: held.issued_on,
            policy_action: held.policy_action,
            registration_type: held.registration_type,
            parcel_ids: held.parcel_ids,
            building_ids: held.building_ids,
        }
    }

    /// What is left of it once no building is on the land: the house's fields are empty, and right and unit code are
    /// those of the land alone.
    pub fn leave_the_land(&mut self) {
        self.house_area_m2 = None;
        self.house_use = None;
        self.right_nature_house = None;
        self.right_type = self.right_type.map(|right| match right {
            RightType::StateConstructionLandAndHouse => RightType::StateConstructionLand,
            RightType::HomesteadAndHouse => RightType::Homestead,
            RightType::CollectiveConstructionLandAndHouse => RightType::CollectiveConstructionLand,
            other => other,
        });
        let land = self.unit_code.as_deref().and_then(|code| UnitCode::parse(code).ok());
        if let Some(land) = land.filter(|code| code.fixture() == Fixture::Building) {
            self.unit_code = Some(format!("{}W00000000", land.parcel_code()));
        }
    }

    /// The content that this says.
    ///
    /// # Errors
    /// The first rule that is broken, by its field.
    pub fn content(&self, today: Date, case_id: Option<Uuid>) -> Result<TitleContent, Problem> {
        let missing = |field: &str| Problem::invalid(field, "it is missing").remedy(format!("send {field}"));
        let evidence = self.evidence.ok_or_else(|| missing("evidence"))?;
        let right_type = self.right_type.ok_or_else(|| missing("right_type"))?;
        let book_state = self.book_state.unwrap_or(BookState::Current);
        let co_ownership = self.co_ownership.unwrap_or(CoOwnership::Sole);
        let unit_code = text("unit_code", self.unit_code.as_deref(), 80)?
            .map(|code| UnitCode::parse(&code).map_err(|refused| refused.unit_code_problem("unit_code", &code)))
            .transpose()?;
        let cert_no = text("cert_no", self.cert_no.as_deref(), 80)?
            .map(|number| CertificateNumber::parse(&number).map_err(|refused| refused.problem("cert_no")))
            .transpose()?
            .map(|number| number.as_str().to_owned());
        let print_serial = text("print_serial", self.print_serial.as_deref(), 40)?
            .map(|serial| print_serial(&serial).map_err(|refused| refused.problem("print_serial")))
            .transpose()?;
        let old =
            |field, said: Option<&str>| Ok::<_, Problem>(text(field, said, 100)?.map(|number| normalised(&number)));
        let old_land = old("old_land_certificate", self.old_land_certificate.as_deref())?;
        let old_house = old("old_house_certificate", self.old_house_certificate.as_deref())?;
        let papers = |fits: bool, field: &str, words: &str| {
            if fits {
                Ok(())
            } else {
                Err(Problem::invalid(field, words)
                    .remedy("let the evidence and the certificate numbers agree")
                    .code("evidence_and_certificates"))
            }
        };
        match evidence {
            Evidence::Both => papers(
                // The right exists from its recording, before the certificate has a number (Civil Code art. 214, 217).
                cert_no.is_some()
                    || old_land.is_some()
                    || old_house.is_some()
                    || (unit_code.is_some() && self.recorded_on.is_some()),
                "cert_no",
                "with both certificates, or one unified certificate, there is a number",
            )?,
            Evidence::LandOnly => papers(
                old_land.is_some() && old_house.is_none() && cert_no.is_none(),
                "old_land_certificate",
                "a land certificate only: its number, and no other",
            )?,
            Evidence::HouseOnly => papers(
                old_house.is_some() && old_land.is_none() && cert_no.is_none(),
                "old_house_certificate",
                "a house certificate only: its number, and no other",
            )?,
            Evidence::None => papers(
                cert_no.is_none() && old_land.is_none() && old_house.is_none() && book_state != BookState::Current,
                "evidence",
                "without any certificate there is no number, and no current title",
            )?,
        }
        if cert_no.is_some() && unit_code.is_none() {
            return Err(missing("unit_code").code("unit_code_missing"));
        }
        self.check_dates(today)?;
        let (land_use_scheme, land_use_code) = land_use(self.land_use_scheme, self.land_use_code.as_deref())?;
        let ids = |field: &str, ids: &[Uuid]| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() > 1000 {
                return Err(Problem::invalid(field, "more than 1000").remedy("split the title"));
            }
            Ok(ids)
        };
        let parcel_ids = ids("parcel_ids", &self.parcel_ids)?;
        let building_ids = ids("building_ids", &self.building_ids)?;
        if parcel_ids.is_empty() && building_ids.is_empty() {
            return Err(Problem::invalid("parcel_ids", "a title is in a parcel or a building")
                .remedy("send the ids of the parcels and buildings that it covers"));
        }
        if book_state == BookState::Current && parcel_ids.is_empty() && evidence != Evidence::HouseOnly {
            return Err(
                Problem::invalid("parcel_ids", "a current title to land names its parcel")
                    .remedy("send the id of the parcel"),
            );
        }
        Ok(TitleContent {
            book_state,
            evidence,
            unit_code: unit_code.map(|code| code.as_str().to_owned()),
            cert_no,
            print_serial,
            old_land_certificate: old_land,
            old_house_certificate: old_house,
            holders: settled(&self.holders, co_ownership)?,
            co_ownership,
            location: text("location", self.location.as_deref(), 400)?,
            right_type,
            right_nature_land: self.right_nature_land,
            right_nature_house: text("right_nature_house", self.right_nature_house.as_deref(), 40)?,
            land_use_scheme,
            land_use_code,
            house_use: self.house_use,
            land_area_m2: area("land_area_m2", self.land_area_m2)?,
            house_area_m2: area("house_area_m2", self.house_area_m2)?,
            term_from: self.term_from,
            term_to: self.term_to,
            other_state: text("other_state", self.other_state.as_deref(), 2_000)?,
            remark: text("remark", self.remark.as_deref(), 4_000)?,
            registry: text("registry", self.registry.as_deref(), 200)?,
            accepted_on: self.accepted_on,
            recorded_on: self.recorded_on,
            issued_on: self.issued_on,
            policy_action: self.policy_action,
            registration_type: self.registration_type,
            parcel_ids,
            building_ids,
            case_id,
        })
    }

    /// The three dates of the book, as a rule's evidence.
    fn dates_said(&self) -> Value {
        let said = |date: Option<Date>| date.map(|date| date.to_string());
        serde_json::json!({
            "accepted_on": said(self.accepted_on), "recorded_on": said(self.recorded_on), "issued_on": said(self.issued_on),
        })
    }

    /// No date of the book in the future, and none before the one it follows (TTL-20).
    fn check_dates(&self, today: Date) -> Result<(), Problem> {
        let dates = [
            ("accepted_on", self.accepted_on),
            ("recorded_on", self.recorded_on),
            ("issued_on", self.issued_on),
        ];
        let mut last: Option<(&str, Date)> = None;
        for (field, date) in dates.into_iter().filter_map(|(field, date)| Some((field, date?))) {
            sane_day(field, date)?;
            if date > today {
                return Err(Problem::invalid(field, format!("{date} is in the future (TTL-20)"))
                    .remedy("write the day as the certificate has it")
                    .code("date_in_future")
                    .breaks(DoorRule::DatesInOrder, self.dates_said()));
            }
            if let Some((before, earlier)) = last.filter(|(_, earlier)| *earlier > date) {
                return Err(
                    Problem::invalid(field, format!("{date} is before {before} ({earlier}) (TTL-20)"))
                        .remedy("acceptance, recording and issue follow each other in this order")
                        .code("dates_out_of_order")
                        .breaks(DoorRule::DatesInOrder, self.dates_said()),
                );
            }
            last = Some((field, date));
        }
        for (field, date) in [("term_from", self.term_from), ("term_to", self.term_to)] {
            date.map(|date| sane_day(field, date)).transpose()?;
        }
        if let (Some(from), Some(to)) = (self.term_from, self.term_to)
            && from >= to
        {
            return Err(Problem::invalid("term_to", "the term ends before it begins")
                .remedy("write both days as the certificate has them")
                .code("dates_out_of_order"));
        }
        Ok(())
    }
}
