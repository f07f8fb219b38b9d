//! The closed lists of the real-estate register (不动产登记数据库标准) and of the campaign, each in one place with both
//! languages, and the route that shows them.

use axum::Json;
use serde::{Deserialize, Serialize};

/// A closed list: each word has the code under which it is stored and spoken of, and a label in both languages.
macro_rules! dictionary {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal $zh:literal $en:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $(
                #[doc = $zh]
                #[serde(rename = $code)]
                $variant,
            )+
        }

        impl $name {
            /// Every word, in the list's order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code under which it is stored.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The Chinese label, as the list prints it.
            #[must_use]
            pub fn zh(self) -> &'static str {
                match self {
                    $(Self::$variant => $zh,)+
                }
            }

            /// The English label.
            #[must_use]
            pub fn en(self) -> &'static str {
                match self {
                    $(Self::$variant => $en,)+
                }
            }

            /// The word of a code.
            #[must_use]
            pub fn of(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn entries() -> Vec<DictionaryEntry> {
                Self::ALL
                    .iter()
                    .map(|word| DictionaryEntry { code: word.code(), zh: word.zh(), en: word.en() })
                    .collect()
            }
        }
    };
}

dictionary! {
    /// 权利类型 (不动产登记数据库标准).
    RightType {
        CollectiveLandOwnership = "1" "集体土地所有权" "collective land ownership",
        StateLandOwnership = "2" "国家土地所有权" "state land ownership",
        StateConstructionLand = "3" "国有建设用地使用权" "use of state-owned construction land",
        StateConstructionLandAndHouse = "4" "国有建设用地使用权/房屋(构筑物)所有权" "use of state-owned construction land / ownership of buildings",
        Homestead = "5" "宅基地使用权" "use of a rural homestead",
        HomesteadAndHouse = "6" "宅基地使用权/房屋(构筑物)所有权" "use of a rural homestead / ownership of buildings",
        CollectiveConstructionLand = "7" "集体建设用地使用权" "use of collective construction land",
        CollectiveConstructionLandAndHouse = "8" "集体建设用地使用权/房屋(构筑物)所有权" "use of collective construction land / ownership of buildings",
        Contracted = "9" "土地承包经营权" "contracted management of land",
        ContractedAndForest = "10" "土地承包经营权/森林、林木所有权" "contracted management of land / ownership of trees",
        ForestLand = "11" "林地使用权" "use of forest land",
        ForestLandAndForest = "12" "林地使用权/森林、林木使用权" "use of forest land / use of trees",
        Grassland = "13" "草原使用权" "use of grassland",
        Aquaculture = "14" "水域滩涂养殖权" "aquaculture",
        Sea = "15" "海域使用权" "use of a sea area",
        SeaAndStructures = "16" "海域使用权/构(建)筑物所有权" "use of a sea area / ownership of structures",
        Island = "17" "无居民海岛使用权" "use of an uninhabited island",
        IslandAndStructures = "18" "无居民海岛使用权/构(建)筑物所有权" "use of an uninhabited island / ownership of structures",
        Easement = "19" "地役权" "easement",
        WaterTaking = "20" "取水权" "right to take water",
        Exploration = "21" "探矿权" "exploration right",
        Mining = "22" "采矿权" "mining right",
        Other = "99" "其它权利" "another right",
    }
}

dictionary! {
    /// 权利性质.
    RightNature {
        StateOwned = "100" "国有土地" "state-owned land",
        Allocated = "101" "划拨" "allocated",
        Granted = "102" "出让" "granted",
        Contributed = "103" "作价出资(入股)" "contributed as capital",
        Leased = "104" "国有土地租赁" "leased from the state",
        Authorised = "105" "授权经营" "authorised management",
        HouseholdContract = "106" "家庭承包" "household contract",
        OtherContract = "107" "其它方式承包" "contract of another kind",
        CollectiveOwned = "200" "集体土地" "collective land",
        CollectiveHousehold = "201" "家庭承包(集体)" "household contract (collective)",
        CollectiveOtherContract = "202" "其它方式承包(集体)" "contract of another kind (collective)",
        ApprovedUse = "203" "批准拨用" "approved use",
        Share = "204" "入股" "contributed as a share",
        JointOperation = "205" "联营" "joint operation",
    }
}

dictionary! {
    /// 权利设定方式.
    RightSetting {
        Above = "1" "地上" "above ground",
        Surface = "2" "地表" "surface",
        Below = "3" "地下" "underground",
    }
}

dictionary! {
    /// 登记类型: the law's word for what the registry does.
    RegistrationType {
        First = "100" "首次登记" "first registration",
        Transfer = "200" "转移登记" "transfer registration",
        Change = "300" "变更登记" "change registration",
        Cancel = "400" "注销登记" "cancellation",
        Correct = "500" "更正登记" "correction",
        Objection = "600" "异议登记" "objection",
        PreNotice = "700" "预告登记" "pre-notice",
        Seizure = "800" "查封登记" "seizure",
        Other = "900" "其它登记" "another registration",
    }
}

dictionary! {
    /// 权属工作措施: the campaign's word for what the bureau does, kept apart from the registration type.
    PolicyAction {
        ReRegister = "re_register" "变更到机关事务管理部门名下" "bring into the bureau's name",
        FirstRegister = "first_register" "补办登记" "register what is unregistered",
        File = "file" "权属备案" "file what can't be registered",
        Return = "return" "平台公司划转" "return from a platform company",
        Change = "change" "变更登记(权利人不变)" "change what is registered (same holder)",
        Correct = "correct" "更正登记(登记簿有误)" "correct the book",
        SplitMerge = "split_merge" "分割合并" "split or merge",
        Cancel = "cancel" "注销登记" "end a title",
        Objection = "objection" "异议登记" "enter an objection",
        PreNotice = "pre_notice" "预告登记" "enter a pre-notice",
        Seizure = "seizure" "查封登记" "enter a seizure",
        KeepInUnit = "keep_in_unit" "保留在单位名下(涉密)" "keep in the unit's name (secrecy)",
        KeepInDepartment = "keep_in_dept" "保留在主管部门名下(垂直管理)" "keep with the vertical department",
    }
}

dictionary! {
    /// 注销事由: why a title ends (不动产登记暂行条例实施细则 art. 28).
    EndCause {
        Destroyed = "destroyed" "不动产灭失" "destroyed",
        Abandoned = "abandoned" "权利人放弃" "given up by its holder",
        TakenBack = "taken_back" "依法没收、征收或者收回" "confiscated, expropriated or taken back",
        Judgment = "judgment" "法院、仲裁机构的生效法律文书" "a judgment or award",
    }
}

dictionary! {
    /// 权属状态.
    BookState {
        Provisional = "0" "临时" "provisional",
        Current = "1" "现势" "current",
        Historic = "2" "历史" "historic",
        Ended = "3" "终止" "ended",
    }
}

dictionary! {
    /// 共有情况.
    CoOwnership {
        Sole = "0" "单独所有" "sole",
        Joint = "1" "共同共有" "joint",
        ByShares = "2" "按份共有" "by shares",
        Other = "3" "其它共有" "other",
    }
}

dictionary! {
    /// 证照情况: the four sets of papers there may be.
    Evidence {
        Both = "both" "两证齐全(或不动产权证书)" "both certificates, or one unified certificate",
        LandOnly = "land_only" "有国有土地使用证，无房屋所有权证" "land certificate only",
        HouseOnly = "house_only" "有房屋所有权证，无国有土地使用证" "house certificate only",
        None = "none" "两证均未办理" "neither",
    }
}

dictionary! {
    /// 权利人类别.
    HolderKind {
        Bureau = "bureau" "机关事务管理部门" "the government-offices bureau",
        Government = "government" "人民政府" "a people's government",
        Department = "department" "行政主管部门" "a vertical department",
        Unit = "unit" "使用单位" "a using unit",
        PlatformCompany = "platform_company" "平台公司" "a platform company",
        Enterprise = "enterprise" "其他企业" "another enterprise",
        Person = "person" "自然人" "a person",
        Other = "other" "其他" "another",
    }
}

dictionary! {
    /// 权利负担类别.
    EncumbranceKind {
        Mortgage = "mortgage" "抵押" "mortgage",
        Seizure = "seizure" "查封" "seizure",
        Objection = "objection" "异议登记" "objection",
        PreNotice = "pre_notice" "预告登记" "pre-notice",
        Dispute = "dispute" "权属争议" "dispute",
    }
}

dictionary! {
    /// 查封类型.
    SeizureKind {
        Seizure = "1" "查封" "seizure",
        Waiting = "2" "轮候查封" "waiting seizure",
        Advance = "3" "预查封" "advance seizure",
        AdvanceWaiting = "4" "轮候预查封" "waiting advance seizure",
    }
}

dictionary! {
    /// 抵押方式.
    MortgageKind {
        General = "1" "一般抵押" "general mortgage",
        Maximum = "2" "最高额抵押" "maximum-amount mortgage",
    }
}

dictionary! {
    /// 备案原因 (closed list).
    FilingReason {
        PapersLost = "papers_lost" "历史资料缺失" "papers of the past are missing",
        Unclear = "unclear" "权属不清" "ownership is unclear",
        Disputed = "disputed" "权属纠纷" "ownership is disputed",
        NoPlanning = "no_planning" "无规划许可" "no planning permission",
        NoCompletion = "no_completion" "无竣工验收" "completion was never accepted",
        LandFormalities = "land_formalities" "土地手续不全" "land formalities are incomplete",
        CollectiveLand = "collective_land" "占用集体土地" "stands on collective land",
        RedLine = "red_line" "超红线" "crosses the red line",
        Other = "other" "其他" "another reason",
    }
}

dictionary! {
    /// 不予登记的情形 (不动产登记暂行条例 art. 22).
    RefusalGround {
        Unlawful = "unlawful" "违反法律、行政法规规定" "against law or administrative regulation",
        Dispute = "dispute" "存在尚未解决的权属争议" "an unresolved dispute of ownership",
        TermExceeded = "term_exceeded" "申请登记的不动产权利超过规定期限" "the right applied for exceeds its term",
        Other = "other" "法律、行政法规规定不予登记的其他情形" "another ground in law or regulation",
    }
}

dictionary! {
    /// 土地用途分类的版本.
    LandUseScheme {
        Gb2017 = "GB21010-2017" "土地利用现状分类(2017)" "land-use classes of 2017",
        Gb2007 = "GB21010-2007" "土地利用现状分类(2007)" "land-use classes of 2007",
        Ydyh2023 = "YDYH-2023" "国土空间用地用海分类(2023)" "planning classes of 2023",
    }
}

dictionary! {
    /// 房屋用途 (GB/T 17986.1).
    HouseUse {
        Housing = "10" "住宅" "housing",
        Flats = "11" "成套住宅" "self-contained flats",
        Villa = "111" "别墅" "villa",
        LuxuryFlats = "112" "高档公寓" "luxury flats",
        OtherFlats = "12" "非成套住宅" "housing that is not self-contained",
        Dormitory = "13" "集体宿舍" "dormitory",
        Industry = "20" "工业、交通、仓储" "industry, transport, storage",
        Factory = "21" "工业" "industry",
        Utility = "22" "公用(公共)设施" "utilities",
        Railway = "23" "铁路" "railway",
        CivilAviation = "24" "民航" "civil aviation",
        Shipping = "25" "航运" "shipping",
        PublicTransport = "26" "公共运输" "public transport",
        Storage = "27" "仓储" "storage",
        Commerce = "30" "商业、金融、信息" "commerce, finance, information",
        CommercialService = "31" "商业服务" "commercial services",
        Business = "32" "经营" "business",
        Tourism = "33" "旅游" "tourism",
        Finance = "34" "金融保险" "finance and insurance",
        Telecommunication = "35" "电讯信息" "telecommunication",
        EducationHealthScience = "40" "教育、医疗、卫生、科研" "education, health, science",
        Education = "41" "教育" "education",
        Health = "42" "医疗卫生" "health",
        Science = "43" "科研" "science",
        CultureSport = "50" "文化、娱乐、体育" "culture, entertainment, sport",
        Culture = "51" "文化" "culture",
        News = "52" "新闻" "news",
        Entertainment = "53" "娱乐" "entertainment",
        Gardens = "54" "园林绿化" "gardens",
        Sport = "55" "体育" "sport",
        Office = "60" "办公" "offices",
        Military = "70" "军事" "military",
        Other = "80" "其它" "other",
        Foreign = "81" "涉外" "foreign affairs",
        Religion = "82" "宗教" "religion",
        Prison = "83" "监狱" "prison",
        PropertyManagement = "84" "物管用房" "property management",
    }
}

/// One word of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DictionaryEntry {
    /// The code that is stored.
    code: &'static str,
    /// The Chinese label.
    zh: &'static str,
    /// The English label.
    en: &'static str,
}

/// Every closed list by name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Dictionaries {
    /// 权利类型
    right_type: Vec<DictionaryEntry>,
    /// 权利性质
    right_nature: Vec<DictionaryEntry>,
    /// 权利设定方式
    right_setting: Vec<DictionaryEntry>,
    /// 登记类型
    registration_type: Vec<DictionaryEntry>,
    /// 权属工作措施
    policy_action: Vec<DictionaryEntry>,
    /// 注销事由
    end_cause: Vec<DictionaryEntry>,
    /// 权属状态
    book_state: Vec<DictionaryEntry>,
    /// 共有情况
    co_ownership: Vec<DictionaryEntry>,
    /// 证照情况
    evidence: Vec<DictionaryEntry>,
    /// 权利人类别
    holder_kind: Vec<DictionaryEntry>,
    /// 权利负担类别
    encumbrance_kind: Vec<DictionaryEntry>,
    /// 查封类型
    seizure_kind: Vec<DictionaryEntry>,
    /// 抵押方式
    mortgage_kind: Vec<DictionaryEntry>,
    /// 备案原因
    filing_reason: Vec<DictionaryEntry>,
    /// 不予登记的情形
    refusal_ground: Vec<DictionaryEntry>,
    /// 土地用途分类的版本
    land_use_scheme: Vec<DictionaryEntry>,
    /// 房屋用途
    house_use: Vec<DictionaryEntry>,
}

/// The closed lists of the register, with the labels the page and exports show.
#[utoipa::path(get, path = "/api/v1/dictionaries", operation_id = "get_dictionaries", tag = "titles",
    responses((status = 200, body = Dictionaries)))]
pub(super) async fn get_dictionaries() -> Json<Dictionaries> {
    Json(Dictionaries {
        right_type: RightType::entries(),
        right_nature: RightNature::entries(),
        right_setting: RightSetting::entries(),
        registration_type: RegistrationType::entries(),
        policy_action: PolicyAction::entries(),
        end_cause: EndCause::entries(),
        book_state: BookState::entries(),
        co_ownership: CoOwnership::entries(),
        evidence: Evidence::entries(),
        holder_kind: HolderKind::entries(),
        encumbrance_kind: EncumbranceKind::entries(),
        seizure_kind: SeizureKind::entries(),
        mortgage_kind: MortgageKind::entries(),
        filing_reason: FilingReason::entries(),
        refusal_ground: RefusalGround::entries(),
        land_use_scheme: LandUseScheme::entries(),
        house_use: HouseUse::entries(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_the_round_trip_and_have_labels() {
        for list in [
            RightType::entries(),
            RightNature::entries(),
            RegistrationType::entries(),
            HouseUse::entries(),
            FilingReason::entries(),
        ] {
            let codes: std::collections::BTreeSet<_> = list.iter().map(|entry| entry.code).collect();
            assert_eq!(codes.len(), list.len());
            assert!(list.iter().all(|entry| !entry.zh.is_empty() && !entry.en.is_empty()));
        }
        for &right in RightType::ALL {
            assert_eq!(RightType::of(right.code()), Some(right));
            assert_eq!(serde_json::to_value(right).unwrap(), right.code());
        }
        assert_eq!(
            RightType::of("23"),
            None,
            "a mortgage is an encumbrance here, not a right of its own"
        );
    }
}
