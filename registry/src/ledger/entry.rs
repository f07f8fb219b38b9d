//! What an entry says, and the exact bytes of it that are hashed.
//!
//! # Canonical bytes, version 1
//! One byte `0x01`, then the twelve fields in the order below. Each field is its length as a 32-bit big-endian number
//! followed by so many bytes; an absent field is the length `0xffff_ffff` and nothing else, so that absent and empty
//! differ.
//!
//! | field | bytes |
//! |---|---|
//! | `id` | 16 bytes of the UUID |
//! | `recorded_at` | 64-bit big-endian two's complement: microseconds since 1970-01-01T00:00Z |
//! | `actor`, `action`, `object_kind` | UTF-8 |
//! | `object_id` | 16 bytes of the UUID |
//! | `before`, `after` | the JSON text exactly as it was written, UTF-8; may be absent |
//! | `reason` | UTF-8; may be absent |
//! | `case_id`, `import_id` | 16 bytes of the UUID; may be absent |
//! | `xid` | 64-bit big-endian: PostgreSQL's number of the transaction, the same for all it appended |

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use uuid::Uuid;

use super::merkle::{self, Hash};
use crate::ids::ImportId;

/// The id of a ledger entry.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    serde::Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct EntryId(pub Uuid);

impl EntryId {
    /// A fresh id.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every word, in the order in which the database's check constraint lists them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as it stands in the database and in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// `None` for a word that this version of the program does not know.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What was done. A new word needs a migration that extends `ledger_entry_action_is_known` as well.
    Action {
        /// Something came into being.
        Create => "create",
        /// Something changed in the world.
        Change => "change",
        /// Something ceased to be.
        Close => "close",
        /// What was recorded was wrong and is put right.
        Correct => "correct",
        /// Two things are related from now on.
        Relate => "relate",
        /// Two things are no longer related.
        Unrelate => "unrelate",
        /// A file was imported.
        Import => "import",
        /// A geometry was mended.
        Repair => "repair",
        /// Somebody signed in.
        SignIn => "sign_in",
    }
}

words! {
    /// What kind of thing it was done to. A new word needs a migration that extends
    /// `ledger_entry_object_kind_is_known` as well.
    ObjectKind {
        /// An administrative division (行政区划).
        Region => "region",
        /// An organisation (单位).
        Unit => "unit",
        /// A compound (院落).
        Site => "site",
        /// A parcel of land (宗地).
        Parcel => "parcel",
        /// A building (楼栋).
        Building => "building",
        /// A room (房间).
        Room => "room",
        /// A relation between two things.
        Relation => "relation",
        /// An import of one file.
        Import => "import",
        /// A person with an account.
        Person => "person",
        /// A saved mapping of a table's columns.
        ImportMapping => "import_mapping",
        /// A right as a list tells it (权利).
        Right => "right",
        /// A check of everything by the rules (合规检查).
        Check => "check",
        /// What a rule found at fault (问题).
        Finding => "finding",
        /// A role that a person holds.
        Grant => "grant",
        /// A title of the register (不动产权利).
        Title => "title",
        /// What lies on a title (权利负担).
        Encumbrance => "encumbrance",
        /// The work on a title (权属登记案件).
        TitleCase => "title_case",
        /// Somebody who sits in a room (使用人).
        Occupant => "occupant",
        /// The work on an asset (一资一策, 大中修).
        PolicyCase => "policy_case",
        /// A row of approval thresholds (审批权限).
        ApprovalThreshold => "approval_threshold",
        /// That something stands idle (闲置记录).
        IdleRecord => "idle_record",
        /// A paper as a file (文件).
        Document => "document",
        /// What became of what (分割、合并).
        Succession => "succession",
        /// What is let or rented in (租约).
        Lease => "lease",
        /// What rent falls due when (租金计划).
        RentSchedule => "rent_schedule",
        /// What was paid and remitted (租金收缴).
        RentAccount => "rent_account",
        /// By what rent is waived (减免政策).
        ReliefPolicy => "relief_policy",
        /// Rent that is waived (房租减免).
        RentRelief => "rent_relief",
        /// A region's own value of what rules compare with (规则参数).
        RuleParameter => "rule_parameter",
        /// A use agreement with its certificate (使用协议、使用权证).
        UseAgreement => "use_agreement",
        /// Sign-ins of a while, together (登录记录).
        SignInBatch => "sign_in_batch",
        /// What a unit filed or published of a year (年度备案、内部公示).
        UseFiling => "use_filing",
        /// The ledger against what is there (清查盘点).
        Stocktaking => "stocktaking",
        /// A line of a stocktaking.
        StocktakingLine => "stocktaking_line",
        /// An inspection (巡检考核).
        Inspection => "inspection",
        /// What an inspection found (巡检问题).
        InspectionFinding => "inspection_finding",
        /// How a region's inspections are judged (考核标准).
        InspectionScheme => "inspection_scheme",
        /// Who lives in a home for staff (周转住房租住).
        HousingTenancy => "housing_tenancy",
        /// What a building consumes (计量表).
        Meter => "meter",
        /// The notice of a year's days off (放假安排).
        CalendarNotice => "calendar_notice",
    }
}

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Object {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its id.
    pub id: Uuid,
}

/// One committed change, to be appended in the transaction of the change.
///
/// An entry that writes version rows names them in `after` as
/// `{"versions":[{"id":"<uuid>","sha256":"<hex>"},…],…}`, and those whose recorded period it ends in `before` as
/// `{"versions":[{"id":"<uuid>"},…],…}`; `recorded_at` is then the instant at which the ones begin and the others end.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// UUIDv7, from the request's context.
    pub id: EntryId,
    /// When it was recorded; kept to the microsecond.
    pub recorded_at: OffsetDateTime,
    /// Who did it; never empty.
    pub actor: &'a str,
    /// What was done.
    pub action: Action,
    /// To what.
    pub object: Object,
    /// What was before; kept byte for byte.
    pub before: Option<&'a RawValue>,
    /// What is now; kept byte for byte.
    pub after: Option<&'a RawValue>,
    /// Why.
    pub reason: Option<&'a str>,
    /// The policy case it belongs to.
    pub case_id: Option<Uuid>,
    /// The import it belongs to.
    pub import_id: Option<ImportId>,
}

/// An entry as it lies in the database, words unparsed: what is hashed is what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredEntry {
    pub id: Uuid,
    pub recorded_at: OffsetDateTime,
    pub actor: String,
    pub action: String,
    pub object_kind: String,
    pub object_id: Uuid,
    pub before: Option<String>,
    pub after: Option<String>,
    pub reason: Option<String>,
    pub case_id: Option<Uuid>,
    pub import_id: Option<Uuid>,
    pub xid: u64,
}

const CANONICAL_VERSION: u8 = 1;
const ABSENT: u32 = u32::MAX;

impl StoredEntry {
    /// Writes the canonical bytes over whatever is in `bytes`.
    pub fn canonical_into(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.push(CANONICAL_VERSION);
        let recorded_at = microseconds(self.recorded_at);
        for field in [
            Some(self.id.as_bytes().as_slice()),
            Some(recorded_at.to_be_bytes().as_slice()),
            Some(self.actor.as_bytes()),
            Some(self.action.as_bytes()),
            Some(self.object_kind.as_bytes()),
            Some(self.object_id.as_bytes().as_slice()),
            self.before.as_deref().map(str::as_bytes),
            self.after.as_deref().map(str::as_bytes),
            self.reason.as_deref().map(str::as_bytes),
            self.case_id.as_ref().map(|id| id.as_bytes().as_slice()),
            self.import_id.as_ref().map(|id| id.as_bytes().as_slice()),
            Some(self.xid.to_be_bytes().as_slice()),
        ] {
            // A PostgreSQL value is smaller than 1 GiB, so a real length never reaches the mark of an absent field.
            let length = field.map_or(ABSENT, |field| u32::try_from(field.len()).unwrap_or(ABSENT - 1));
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(field.unwrap_or_default());
        }
    }

    /// The hash of the leaf this entry makes; `buffer` is only there to be used again.
    pub fn leaf_hash(&self, buffer: &mut Vec<u8>) -> Hash {
        self.canonical_into(buffer);
        merkle::leaf_hash(buffer)
    }
}

/// Microseconds since 1970-01-01T00:00Z, as PostgreSQL keeps instants.
pub(super) fn microseconds(instant: OffsetDateTime) -> i64 {
    i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn entry() -> StoredEntry {
        StoredEntry {
            id: Uuid::from_u128(1),
            recorded_at: datetime!(2026-11-21 08:00:00.000_001 UTC),
            actor: "王芳".to_owned(),
            action: "create".to_owned(),
            object_kind: "parcel".to_owned(),
            object_id: Uuid::from_u128(2),
            before: None,
            after: Some(r#"{ "a": 1 }"#.to_owned()),
            reason: None,
            case_id: None,
            import_id: Some(Uuid::from_u128(3)),
            xid: 4,
        }
    }

    #[test]
    fn canonical_bytes_are_as_documented() {
        let mut bytes = Vec::new();
        entry().canonical_into(&mut bytes);
        let documented = [
            "01",
            "00000010 00000000000000000000000000000001",
            "00000008 000660c4bf52e001",
            "00000006 e78e8be88ab3",
            "00000006 637265617465",
            "00000006 70617263656c",
            "00000010 00000000000000000000000000000002",
            "ffffffff",
            "0000000a 7b202261223a2031207d",
            "ffffffff",
            "ffffffff",
            "00000010 00000000000000000000000000000003",
            "00000008 0000000000000004",
        ];
        assert_eq!(hex::encode(bytes), documented.concat().replace(' ', ""));
    }

    #[test]
    fn words_survive_the_round_trip() {
        for &action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
        for &kind in ObjectKind::ALL {
            assert_eq!(ObjectKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(Action::parse("erase"), None);
    }

    proptest! {
        /// Text moved from one field to the next, or an empty field made absent, is another entry.
        #[test]
        fn no_two_entries_share_their_bytes(
            left in ("[ab]{0,3}", "[ab]{0,3}", proptest::option::of("[ab]{0,3}"), proptest::option::of("[ab]{0,3}"), 0u64..3),
            right in ("[ab]{0,3}", "[ab]{0,3}", proptest::option::of("[ab]{0,3}"), proptest::option::of("[ab]{0,3}"), 0u64..3),
        ) {
            let [mut one, mut other] = [Vec::new(), Vec::new()];
            for (fields, bytes) in [(&left, &mut one), (&right, &mut other)] {
                let (actor, action, before, reason, xid) = fields.clone();
                StoredEntry { actor, action, before, reason, xid, ..entry() }.canonical_into(bytes);
            }
            prop_assert_eq!(left == right, one == other);
        }
    }
}
