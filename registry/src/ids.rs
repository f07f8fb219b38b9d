//! Typed ids: passing a unit's id where a parcel's is wanted does not compile. All are UUIDv7.

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// A fresh id.
            #[must_use]
            pub fn fresh() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )+};
}

typed_ids! {
    /// A check of everything by the rules.
    CheckId,
    /// A paper as a file (文件).
    DocumentId,
    /// What a rule found at fault.
    FindingId,
    /// A role that a person holds.
    GrantId,
    /// What lies on a title (权利负担).
    EncumbranceId,
    /// Who a person is at a provider.
    IdentityId,
    /// Who lives in a home for staff (周转住房租住).
    HousingTenancyId,
    /// That something stands idle (闲置记录).
    IdleRecordId,
    /// An import of one file.
    ImportId,
    /// An inspection (巡检考核).
    InspectionId,
    /// What an inspection found.
    InspectionFindingId,
    /// How a region's inspections are judged (考核标准).
    InspectionSchemeId,
    /// A lease out or in (租约).
    LeaseId,
    /// Somebody who sits in a room (使用人).
    OccupantId,
    /// A person with an account.
    PersonId,
    /// The work on an asset (一资一策, 大中修).
    PolicyCaseId,
    /// A region (行政区划).
    RegionId,
    /// By what rent is waived (减免政策).
    ReliefPolicyId,
    /// Rent that is waived (房租减免).
    RentReliefId,
    /// A right as a list tells it (权利).
    RightId,
    /// A stocktaking (清查盘点).
    StocktakingId,
    /// A line of a stocktaking.
    StocktakingLineId,
    /// A room (房间).
    RoomId,
    /// The notice of a year's days off (放假安排).
    CalendarNoticeId,
    /// A meter of a building (计量表).
    MeterId,
    /// A region's own value of what rules compare with (规则参数).
    RuleParameterId,
    /// A session of somebody signed in.
    SessionId,
    /// A site (院落), parcel (宗地) or building (楼栋).
    SpatialUnitId,
    /// A row of approval thresholds (审批权限).
    ThresholdId,
    /// A token that scripts and GIS clients work with.
    TokenId,
    /// A title (不动产权利).
    TitleId,
    /// The work on a title (权属登记案件).
    TitleCaseId,
    /// An organisation (单位).
    UnitId,
    /// A use agreement with its certificate (使用协议、使用权证).
    UseAgreementId,
    /// What a unit filed or published of a year (年度备案、内部公示).
    UseFilingId,
    /// One version row of anything versioned.
    VersionId,
}
