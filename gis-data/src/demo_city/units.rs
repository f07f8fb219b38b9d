//! The organisations: invented holders of the names that every city's organs have.

use std::collections::BTreeMap;

use super::sequence::Sequence;

/// An organisation of the demo city.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoUnit {
    /// 18 characters with the check digit of GB 32100; `MADEUP` stands in the middle of every one.
    pub code: String,
    /// Its name.
    pub name: String,
    /// `city` or `county`.
    pub level: &'static str,
    /// Its kind, as the registry's list has it.
    pub kind: &'static str,
    /// The region it serves.
    pub region: &'static str,
    /// The organ above it: an index into the units.
    pub parent: Option<usize>,
    /// Approved staffing by rank, persons.
    pub headcount: BTreeMap<String, u32>,
}

/// How many there are.
pub(super) const UNITS: usize = 238;
pub(super) const CITY: &str = "3204";
/// The districts that lie within the demo city, with the names their organs bear.
pub(super) const DISTRICTS: [(&str, &str); 4] = [
    ("320402", "天宁区"),
    ("320404", "钟楼区"),
    ("320411", "新北区"),
    ("320412", "武进区"),
];

/// Organs of the city: kind and names.
const ORGANS: [(&str, &[&str]); 10] = [
    ("bureau", &["市机关事务管理局"]),
    (
        "party_organ",
        &[
            "市委办公室",
            "市委组织部",
            "市委宣传部",
            "市委统战部",
            "市委政法委员会",
            "市委社会工作部",
            "市委网信办",
            "市委编办",
            "市级机关工作委员会",
            "市委老干部局",
            "市委巡察办",
        ],
    ),
    ("people_congress", &["市人大常委会办公室"]),
    ("cppcc", &["市政协办公室"]),
    ("supervision", &["市纪委监委机关"]),
    ("court", &["市中级人民法院"]),
    ("procuratorate", &["市人民检察院"]),
    (
        "government_organ",
        &[
            "市政府办公室",
            "市发展和改革委员会",
            "市教育局",
            "市科学技术局",
            "市工业和信息化局",
            "市民族宗教事务局",
            "市公安局",
            "市民政局",
            "市司法局",
            "市财政局",
            "市人力资源和社会保障局",
            "市自然资源和规划局",
            "市生态环境局",
            "市住房和城乡建设局",
            "市城市管理局",
            "市交通运输局",
            "市水利局",
            "市农业农村局",
            "市商务局",
            "市文化广电和旅游局",
            "市卫生健康委员会",
            "市退役军人事务局",
            "市应急管理局",
            "市审计局",
            "市政府国有资产监督管理委员会",
            "市行政审批局",
            "市市场监督管理局",
            "市体育局",
            "市统计局",
            "市医疗保障局",
            "市信访局",
            "市数据局",
            "市人民防空办公室",
            "市政府研究室",
        ],
    ),
    (
        "mass_organisation",
        &[
            "市总工会",
            "团市委",
            "市妇女联合会",
            "市工商业联合会",
            "市科学技术协会",
            "市文学艺术界联合会",
            "市社会科学界联合会",
            "市残疾人联合会",
            "市红十字会",
            "市归国华侨联合会",
            "市计划生育协会",
        ],
    ),
    (
        "platform_company",
        &[
            "市城建投资集团（虚构）",
            "市国资运营公司（虚构）",
            "市产业投资公司（虚构）",
        ],
    ),
];

/// Institutions of the city under their organs. `#` counts.
const INSTITUTIONS: [(&str, &[(&str, usize)]); 14] = [
    (
        "市教育局",
        &[
            ("市第#中学", 12),
            ("市第#职业学校", 3),
            ("市实验小学", 1),
            ("市第#幼儿园", 5),
            ("市教师发展中心", 1),
            ("市教育考试院", 1),
            ("市特殊教育学校", 1),
        ],
    ),
    (
        "市卫生健康委员会",
        &[
            ("市第#人民医院", 6),
            ("市中医医院", 1),
            ("市妇幼保健院", 1),
            ("市疾病预防控制中心", 1),
            ("市中心血站", 1),
            ("市急救中心", 1),
            ("市口腔医院", 1),
        ],
    ),
    (
        "市文化广电和旅游局",
        &[
            ("市图书馆", 1),
            ("市博物馆", 1),
            ("市文化馆", 1),
            ("市美术馆", 1),
            ("市考古研究所", 1),
        ],
    ),
    (
        "市体育局",
        &[("市体育运动学校", 1), ("市全民健身中心", 1), ("市游泳馆", 1)],
    ),
    (
        "市自然资源和规划局",
        &[
            ("市不动产登记中心", 1),
            ("市测绘院", 1),
            ("市土地储备中心", 1),
            ("市规划展览馆", 1),
        ],
    ),
    (
        "市人力资源和社会保障局",
        &[("市社会保险中心", 1), ("市人才服务中心", 1), ("市技师学院", 1)],
    ),
    (
        "市民政局",
        &[("市社会福利院", 1), ("市救助管理站", 1), ("市婚姻登记服务中心", 1)],
    ),
    (
        "市住房和城乡建设局",
        &[("市住房保障中心", 1), ("市建设工程质量监督站", 1), ("市城建档案馆", 1)],
    ),
    ("市交通运输局", &[("市公路事业发展中心", 1), ("市港航事业发展中心", 1)]),
    ("市水利局", &[("市河道管理处", 1), ("市防汛物资储备中心", 1)]),
    (
        "市农业农村局",
        &[
            ("市农业技术推广中心", 1),
            ("市农产品质量检测中心", 1),
            ("市动物疫病预防控制中心", 1),
        ],
    ),
    (
        "市市场监督管理局",
        &[("市计量测试所", 1), ("市食品药品检验中心", 1), ("市特种设备检验所", 1)],
    ),
    ("市生态环境局", &[("市环境监测中心", 1), ("市环境科学研究院", 1)]),
    (
        "市机关事务管理局",
        &[("市公物仓管理中心", 1), ("市机关后勤服务中心", 1)],
    ),
];

/// Organs of every district.
const DISTRICT_ORGANS: [(&str, &str); 16] = [
    ("bureau", "机关事务服务中心"),
    ("party_organ", "委办公室"),
    ("government_organ", "政府办公室"),
    ("people_congress", "人大常委会办公室"),
    ("cppcc", "政协办公室"),
    ("supervision", "纪委监委机关"),
    ("court", "人民法院"),
    ("procuratorate", "人民检察院"),
    ("government_organ", "教育局"),
    ("government_organ", "民政局"),
    ("government_organ", "财政局"),
    ("government_organ", "人力资源和社会保障局"),
    ("government_organ", "住房和城乡建设局"),
    ("government_organ", "卫生健康局"),
    ("government_organ", "市场监督管理局"),
    ("government_organ", "行政审批局"),
];

const NUMBERS: [&str; 20] = [
    "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二", "十三", "十四", "十五", "十六", "十七",
    "十八", "十九", "二十",
];

struct Founding<'a> {
    units: Vec<DemoUnit>,
    sequence: &'a mut Sequence,
}

impl Founding<'_> {
    fn found(
        &mut self,
        name: String,
        level: &'static str,
        kind: &'static str,
        region: &'static str,
        parent: Option<usize>,
    ) -> usize {
        let kind_digits = match kind {
            "public_institution" => "12",
            "mass_organisation" | "democratic_party" => "13",
            "platform_company" => "91",
            _ => "11",
        };
        let division = format!("{region:0<6}");
        let code = with_check_digit(&format!("{kind_digits}{division}MADEUP{:03}", self.units.len() + 1));
        let headcount = if kind == "platform_company" {
            BTreeMap::new()
        } else {
            self.headcount(level, kind)
        };
        self.units.push(DemoUnit {
            code,
            name,
            level,
            kind,
            region,
            parent,
            headcount,
        });
        self.units.len() - 1
    }

    fn headcount(&mut self, level: &str, kind: &str) -> BTreeMap<String, u32> {
        let ranks = if level == "city" {
            ["正局(处)级", "副局(处)级", "局(处)级以下"]
        } else {
            ["正科级", "副科级", "科级以下"]
        };
        let numbers = if kind == "public_institution" {
            [0.0, self.sequence.between(1.0, 4.0), self.sequence.between(18.0, 160.0)]
        } else {
            [
                self.sequence.between(1.0, 2.9),
                self.sequence.between(2.0, 6.9),
                self.sequence.between(16.0, 110.0),
            ]
        };
        ranks
            .iter()
            .zip(numbers)
            .filter(|(_, persons)| *persons >= 1.0)
            .map(|(rank, persons)| ((*rank).to_owned(), persons as u32))
            .collect()
    }
}

/// The 238 organisations; those above come before those below.
pub(super) fn units(sequence: &mut Sequence) -> Vec<DemoUnit> {
    let mut founding = Founding {
        units: Vec::with_capacity(UNITS),
        sequence,
    };
    for (kind, names) in ORGANS {
        for name in names {
            founding.found((*name).to_owned(), "city", kind, CITY, None);
        }
    }
    for name in ["民革", "民盟", "民建", "民进", "农工党", "九三学社"] {
        founding.found(format!("{name}市委员会"), "city", "democratic_party", CITY, None);
    }
    let mut district_organs = Vec::new();
    for (region, district) in DISTRICTS {
        for (kind, name) in DISTRICT_ORGANS {
            let name = format!("{district}{name}");
            let index = founding.found(name.clone(), "county", kind, region, None);
            if name.ends_with("教育局") || name.ends_with("卫生健康局") {
                district_organs.push((index, region, district, name.ends_with("教育局")));
            }
        }
    }
    for (organ, institutions) in INSTITUTIONS {
        let parent = founding.units.iter().position(|unit| unit.name == organ);
        for (name, count) in institutions {
            for number in NUMBERS.iter().take(*count) {
                founding.found(name.replace('#', number), "city", "public_institution", CITY, parent);
            }
        }
    }
    // What is left to the census: schools and surgeries of the districts.
    let mut round = 0;
    while founding.units.len() < UNITS {
        let (parent, region, district, is_education) = district_organs[round % district_organs.len()];
        let number = NUMBERS[(round / district_organs.len()) % NUMBERS.len()];
        let what = if is_education {
            "小学"
        } else {
            "社区卫生服务中心"
        };
        let name = format!("{district}第{number}{what}");
        founding.found(name, "county", "public_institution", region, Some(parent));
        round += 1;
    }
    founding.units
}

/// Appends the check digit of GB 32100-2015 to 17 characters.
fn with_check_digit(code: &str) -> String {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let mut weight = 1;
    let mut sum = 0;
    for byte in code.bytes() {
        let value = ALPHABET.iter().position(|character| *character == byte).unwrap_or(0);
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    let check = ALPHABET[(31 - sum % 31) % 31];
    format!("{code}{}", char::from(check))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_that_of_the_standard() {
        assert_eq!(with_check_digit("91350100M000100Y4"), "91350100M000100Y43");
        assert_eq!(with_check_digit("91440300708461136"), "91440300708461136T");
    }

    #[test]
    fn there_are_238_and_each_has_a_name_and_a_code_of_its_own() {
        let units = units(&mut Sequence::new(1));
        assert_eq!(units.len(), UNITS);
        let names: std::collections::HashSet<_> = units.iter().map(|unit| &unit.name).collect();
        let codes: std::collections::HashSet<_> = units.iter().map(|unit| &unit.code).collect();
        assert_eq!((names.len(), codes.len()), (UNITS, UNITS));
        assert!(
            units
                .iter()
                .all(|unit| unit.code.len() == 18 && unit.code.contains("MADEUP"))
        );
        for (index, unit) in units.iter().enumerate() {
            assert!(unit.parent.is_none_or(|parent| parent < index));
        }
    }
}
