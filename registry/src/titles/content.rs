//! What a version of a title says, and its rows.

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::dictionaries::{
    BookState, CoOwnership, Evidence, HouseUse, LandUseScheme, PolicyAction, RegistrationType, RightNature, RightType,
};
use super::holder::Holder;
use crate::database::CopyRows;
use crate::ids::TitleId;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// Everything a version says; the periods and ids stand beside it. The order of the fields and what is left out when
/// absent are part of the version's digest in the ledger: new fields go to the end and are skipped when empty.
#[derive(Debug, Clone, Serialize)]
pub struct TitleContent {
    /// 权属状态
    pub book_state: BookState,
    /// 证照情况
    pub evidence: Evidence,
    /// 不动产单元号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_code: Option<String>,
    /// 不动产权证号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_no: Option<String>,
    /// 编号 (印制流水号)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub print_serial: Option<String>,
    /// 国有土地使用证号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_land_certificate: Option<String>,
    /// 房屋所有权证号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_house_certificate: Option<String>,
    /// 权利人
    pub holders: Vec<Holder>,
    /// 共有情况
    pub co_ownership: CoOwnership,
    /// 坐落
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// 权利类型
    pub right_type: RightType,
    /// 权利性质 of the land
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right_nature_land: Option<RightNature>,
    /// 权利性质 of the house, in the certificate's words (市场化商品房, 存量房, 其它 …)
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
    pub land_area_m2: Option<Decimal>,
    /// 房屋所有权面积, m²
    #[serde(skip_serializing_if = "Option::is_none")]
    pub house_area_m2: Option<Decimal>,
    /// 使用期限 from
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub term_from: Option<Date>,
    /// 使用期限 until
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
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
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub accepted_on: Option<Date>,
    /// 登簿日期: the right exists from then (Civil Code art. 214).
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub recorded_on: Option<Date>,
    /// 发证日期
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub issued_on: Option<Date>,
    /// The plan's word for how it came about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_action: Option<PolicyAction>,
    /// The law's word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_type: Option<RegistrationType>,
    /// The parcels it covers, sorted.
    pub parcel_ids: Vec<Uuid>,
    /// The buildings it covers, sorted.
    pub building_ids: Vec<Uuid>,
    /// The case that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_id: Option<Uuid>,
}

impl VersionContent for TitleContent {
    const OBJECT: ObjectKind = ObjectKind::Title;
    const STATEMENTS: VersionStatements = version_statements!(
        "title",
        "book_state, evidence, unit_code, cert_no, print_serial, old_land_certificate, old_house_certificate, holders, co_ownership, location, right_type, right_nature_land, right_nature_house, land_use_scheme, land_use_code, house_use, land_area_m2, house_area_m2, term_from, term_to, other_state, remark, registry, accepted_on, recorded_on, issued_on, policy_action, registration_type, parcel_ids, building_ids, case_id"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        // A list of holders is plain data, it always has JSON.
        let holders = serde_json::to_string(&self.holders).unwrap_or_default();
        rows.text(Some(self.book_state.code()))
            .text(Some(self.evidence.code()))
            .text(self.unit_code.as_deref())
            .text(self.cert_no.as_deref())
            .text(self.print_serial.as_deref())
            .text(self.old_land_certificate.as_deref())
            .text(self.old_house_certificate.as_deref())
            .text(Some(&holders))
            .text(Some(self.co_ownership.code()))
            .text(self.location.as_deref())
            .text(Some(self.right_type.code()))
            .text(self.right_nature_land.map(RightNature::code))
            .text(self.right_nature_house.as_deref())
            .text(self.land_use_scheme.map(LandUseScheme::code))
            .text(self.land_use_code.as_deref())
            .text(self.house_use.map(HouseUse::code))
            .value(self.land_area_m2)
            .value(self.house_area_m2)
            .value(self.term_from)
            .value(self.term_to)
            .text(self.other_state.as_deref())
            .text(self.remark.as_deref())
            .text(self.registry.as_deref())
            .value(self.accepted_on)
            .value(self.recorded_on)
            .value(self.issued_on)
            .text(self.policy_action.map(PolicyAction::code))
            .text(self.registration_type.map(RegistrationType::code))
            .value(Some(self.parcel_ids.clone()))
            .value(Some(self.building_ids.clone()))
            .value(self.case_id);
    }
}

/// A version row as the table holds it.
pub(super) struct TitleVersionRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub book_state: String,
    pub evidence: String,
    pub unit_code: Option<String>,
    pub cert_no: Option<String>,
    pub print_serial: Option<String>,
    pub old_land_certificate: Option<String>,
    pub old_house_certificate: Option<String>,
    pub holders: String,
    pub co_ownership: String,
    pub location: Option<String>,
    pub right_type: String,
    pub right_nature_land: Option<String>,
    pub right_nature_house: Option<String>,
    pub land_use_scheme: Option<String>,
    pub land_use_code: Option<String>,
    pub house_use: Option<String>,
    pub land_area_m2: Option<Decimal>,
    pub house_area_m2: Option<Decimal>,
    pub term_from: Option<Date>,
    pub term_to: Option<Date>,
    pub other_state: Option<String>,
    pub remark: Option<String>,
    pub registry: Option<String>,
    pub accepted_on: Option<Date>,
    pub recorded_on: Option<Date>,
    pub issued_on: Option<Date>,
    pub policy_action: Option<String>,
    pub registration_type: Option<String>,
    pub parcel_ids: Vec<Uuid>,
    pub building_ids: Vec<Uuid>,
    pub case_id: Option<Uuid>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::titles::content::TitleVersionRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.book_state, v.evidence, v.unit_code, v.cert_no,
                      v.print_serial, v.old_land_certificate, v.old_house_certificate, v.holders::text as "holders!",
                      v.co_ownership, v.location, v.right_type, v.right_nature_land, v.right_nature_house,
                      v.land_use_scheme, v.land_use_code, v.house_use, v.land_area_m2, v.house_area_m2, v.term_from,
                      v.term_to, v.other_state, v.remark, v.registry, v.accepted_on, v.recorded_on, v.issued_on,
                      v.policy_action, v.registration_type, v.parcel_ids, v.building_ids, v.case_id
                 from title_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_versions;

impl TitleVersionRow {
    pub(super) fn content(self) -> Result<TitleContent, Fault> {
        let id = self.version_id;
        let unknown = |what: &str| Fault::Impossible {
            what: format!("title version {id}: {what} is not of the list"),
        };
        fn word<T>(code: Option<&str>, of: fn(&str) -> Option<T>, fault: Fault) -> Result<Option<T>, Fault> {
            match code {
                None => Ok(None),
                Some(code) => of(code).map(Some).ok_or(fault),
            }
        }
        Ok(TitleContent {
            book_state: BookState::of(&self.book_state).ok_or_else(|| unknown("book_state"))?,
            evidence: Evidence::of(&self.evidence).ok_or_else(|| unknown("evidence"))?,
            unit_code: self.unit_code,
            cert_no: self.cert_no,
            print_serial: self.print_serial,
            old_land_certificate: self.old_land_certificate,
            old_house_certificate: self.old_house_certificate,
            holders: serde_json::from_str(&self.holders).map_err(|error| Fault::Impossible {
                what: format!("title version {id}: holders: {error}"),
            })?,
            co_ownership: CoOwnership::of(&self.co_ownership).ok_or_else(|| unknown("co_ownership"))?,
            location: self.location,
            right_type: RightType::of(&self.right_type).ok_or_else(|| unknown("right_type"))?,
            right_nature_land: word(
                self.right_nature_land.as_deref(),
                RightNature::of,
                unknown("right_nature_land"),
            )?,
            right_nature_house: self.right_nature_house,
            land_use_scheme: word(
                self.land_use_scheme.as_deref(),
                LandUseScheme::of,
                unknown("land_use_scheme"),
            )?,
            land_use_code: self.land_use_code,
            house_use: word(self.house_use.as_deref(), HouseUse::of, unknown("house_use"))?,
            land_area_m2: self.land_area_m2.map(|area| area.normalize()),
            house_area_m2: self.house_area_m2.map(|area| area.normalize()),
            term_from: self.term_from,
            term_to: self.term_to,
            other_state: self.other_state,
            remark: self.remark,
            registry: self.registry,
            accepted_on: self.accepted_on,
            recorded_on: self.recorded_on,
            issued_on: self.issued_on,
            policy_action: word(
                self.policy_action.as_deref(),
                PolicyAction::of,
                unknown("policy_action"),
            )?,
            registration_type: word(
                self.registration_type.as_deref(),
                RegistrationType::of,
                unknown("registration_type"),
            )?,
            parcel_ids: self.parcel_ids,
            building_ids: self.building_ids,
            case_id: self.case_id,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<TitleContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks a title and reads the versions known now, by the days they hold; none where there is no such title.
///
/// # Errors
/// The database's.
pub async fn held_versions(connection: &mut PgConnection, id: TitleId) -> Result<Vec<Held<TitleContent>>, Fault> {
    sqlx::query!("select id from title where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_versions!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid)",
        id.0
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

/// What a title says now: its latest version that is known.
///
/// # Errors
/// The database's.
pub async fn current(connection: &mut PgConnection, id: TitleId) -> Result<Option<TitleContent>, Fault> {
    select_versions!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid) desc limit 1",
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(TitleVersionRow::content)
    .transpose()
}

/// Holds every version row of titles and encumbrances against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    {
        let mut rows = select_versions!("").fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            expected.check(&row.stored().found());
        }
    }
    super::encumbrances::verify_encumbrances(connection, expected).await
}
