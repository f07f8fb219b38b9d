//! Planted faults of codes, areas and statuses.

use super::DemoAsset;
use super::estate::{Estate, Site, district};
use super::faults::{Faults, building_key, parcel_key};
use super::units::DemoUnit;

impl Faults {
    /// Faults of codes, areas and statuses of parcels and buildings.
    pub fn spoil_assets(
        &mut self,
        estate: &Estate,
        parcels: &mut [DemoAsset],
        sites: &mut [DemoAsset],
        buildings: &mut [DemoAsset],
        units: &[DemoUnit],
    ) {
        self.spoil_codes(estate, parcels, buildings);
        for times in [1.021, 0.973, 1.048, 0.985, 1.033, 0.962, 1.012, 1.057] {
            let Some(parcel) = self.next_parcel(estate) else { return };
            let Some(area) = parcels[parcel].registered_area else {
                continue;
            };
            parcels[parcel].registered_area = Some(area.times(times));
            let percent = (times - 1.0) * 100.0;
            self.plant(
                "GEO-07",
                "parcels",
                parcel_key(parcel),
                String::new(),
                format!("登记面积与图形面积相差约 {percent:+.1}%"),
                format!("the registered area differs from the shape's by about {percent:+.1} %"),
            );
        }
        for _ in 0..3 {
            let Some(site) = self.next_site(estate, |_| true) else {
                return;
            };
            let building = estate.sites[site].buildings[0];
            buildings[building].geometry = None;
            self.plant(
                "GEO-13",
                "buildings",
                building_key(building),
                String::new(),
                "楼栋没有图形",
                "the building has no shape",
            );
        }
        for _ in 0..5 {
            let Some(site) = self.next_site(estate, |_| true) else {
                return;
            };
            sites[site].title_status = None;
            let key = sites[site].key.clone();
            self.plant(
                "RPT-03",
                "sites",
                key,
                String::new(),
                "院落权属登记情况缺失",
                "the site's registration status is missing",
            );
        }
        let companies: Vec<&DemoUnit> = units.iter().filter(|unit| unit.kind == "platform_company").collect();
        for count in 0..6 {
            let found = self.next_site(estate, |site| {
                matches!(site.usage, "commercial" | "other" | "housing_security")
            });
            let (Some(site), false) = (found, companies.is_empty()) else {
                return;
            };
            let parcel = estate.sites[site].parcels[0];
            parcels[parcel].title_status = Some("other_not_handed");
            parcels[parcel]
                .attributes
                .insert("权利人", companies[count % companies.len()].name.clone());
            self.plant(
                "TTL-02",
                "parcels",
                parcel_key(parcel),
                String::new(),
                "权利登记在平台公司名下",
                "the right is registered to a platform company",
            );
        }
    }

    /// Faults of papers and places that came after the others.
    pub fn spoil_papers(
        &mut self,
        estate: &Estate,
        parcels: &mut [DemoAsset],
        sites: &mut [DemoAsset],
        buildings: &mut [DemoAsset],
    ) {
        for _ in 0..3 {
            let Some(parcel) = self.next_parcel(estate) else { return };
            let underground = |code: &str| format!("{}X{}", &code[..13], &code[14..]);
            let code = underground(&parcels[parcel].code.clone().unwrap_or_default());
            let unit_code = underground(&parcels[parcel].unit_code.clone().unwrap_or_default());
            rename_buildings(estate, parcel, &code, buildings);
            parcels[parcel].code = Some(code);
            parcels[parcel].unit_code = Some(unit_code);
            self.plant(
                "COD-05",
                "parcels",
                parcel_key(parcel),
                String::new(),
                "特征码 X 表示地下, 宗地上却有地上楼栋",
                "X means underground, but buildings stand above ground",
            );
        }
        for (wrong, zh, en) in [
            (
                "苏(2019)常州市不动产权第12345号",
                "证号顺序号只有 5 位",
                "the serial has 5 digits",
            ),
            (
                "苏(2013)常州市不动产权第0012345号",
                "统一登记自 2015 年开始",
                "unified registration began in 2015",
            ),
            ("常(2019)常州市不动产权第0012346号", "不是省简称", "that is no province"),
        ] {
            let Some(parcel) = self.next_parcel(estate) else { return };
            parcels[parcel].attributes.insert("不动产权证号", wrong.to_owned());
            self.plant("COD-10", "parcels", parcel_key(parcel), String::new(), zh, en);
        }
        for serial in [7_100_001, 7_100_002] {
            let (Some(one), Some(other)) = (self.next_parcel(estate), self.next_parcel(estate)) else {
                return;
            };
            for parcel in [one, other] {
                let number = format!("苏(2018)常州市不动产权第{serial}号");
                parcels[parcel].attributes.insert("不动产权证号", number);
            }
            self.plant(
                "COD-10E",
                "parcels",
                parcel_key(one),
                parcel_key(other),
                "两宗地的证号相同",
                "two parcels have the same certificate number",
            );
        }
        for _ in 0..3 {
            let found = self.next_site(estate, |_| true);
            let Some(site) = found else { return };
            // A street away to the north-east: nothing of its own land is there.
            if let Some(bounds) = parcels[estate.sites[site].parcels[0]]
                .geometry
                .as_ref()
                .and_then(geo::BoundingRect::bounding_rect)
            {
                sites[site].geometry = Some(geo_types::Geometry::Point(geo_types::Point::new(
                    ((bounds.max().x + 0.0004) * 1e8).round() / 1e8,
                    ((bounds.max().y + 0.0003) * 1e8).round() / 1e8,
                )));
            }
            let key = sites[site].key.clone();
            self.plant(
                "GEO-12",
                "sites",
                key,
                String::new(),
                "院落点不在所属宗地内",
                "the site's point lies outside its parcel",
            );
        }
    }

    /// TTL-05: what the status of every site says, whatever else is wrong with it; reserves have no site.
    pub fn count_papers(&mut self, estate: &Estate, parcels: &[DemoAsset], sites: &[DemoAsset]) {
        let reserves = parcels
            .iter()
            .enumerate()
            .filter(|(index, _)| estate.parcels[*index].sites.is_empty())
            .map(|(_, parcel)| parcel);
        for asset in sites.iter().chain(reserves) {
            if !matches!(asset.title_status, Some("other_not_handed" | "none_not_handed")) {
                continue;
            }
            self.plant(
                "TTL-05",
                asset.layer.as_str(),
                asset.key.clone(),
                String::new(),
                "权属资料长期未移交",
                "its papers were never handed over",
            );
        }
    }

    pub(super) fn next_parcel(&mut self, estate: &Estate) -> Option<usize> {
        self.next_site(estate, |_| true)
            .map(|site| estate.sites[site].parcels[0])
    }

    fn spoil_codes(&mut self, estate: &Estate, parcels: &mut [DemoAsset], buildings: &mut [DemoAsset]) {
        type Spoil = fn(&str) -> String;
        let malformed: [(&str, &str, Spoil); 6] = [
            ("单元号只有 27 位", "27 characters", |code| {
                format!("{}{}", &code[..14], &code[15..])
            }),
            ("特征码 K 不存在", "K is no kind", |code| {
                format!("{}K{}", &code[..13], &code[14..])
            }),
            ("小写字母", "lower case", str::to_lowercase),
            ("字母 O 代替零", "the letter O for a zero", |code| {
                format!("{}O{}", &code[..15], &code[16..])
            }),
            ("宗地顺序号为 00000", "the serial is 00000", |code| {
                format!("{}00000{}", &code[..14], &code[19..])
            }),
            ("W 之后应为八个零", "eight zeros must follow W", |code| {
                format!("{}W00000001", &code[..19])
            }),
        ];
        for (zh, en, spoil) in malformed {
            let Some(parcel) = self.next_parcel(estate) else { return };
            let Some(code) = parcels[parcel].unit_code.clone() else {
                continue;
            };
            parcels[parcel].unit_code = Some(spoil(&code));
            self.plant("COD-01", "parcels", parcel_key(parcel), String::new(), zh, en);
        }
        for _ in 0..3 {
            let Some(one) = self.next_parcel(estate) else { return };
            let place = |site: &Site| (district(&estate.plan.blocks[site.block]), site.buildings.len() > 1);
            let like = place(&estate.sites[estate.parcels[one].sites[0]]);
            let Some(other) = self.next_site(estate, |site| place(site) == like) else {
                return;
            };
            let other = estate.sites[other].parcels[0];
            let code = parcels[one].code.clone().unwrap_or_default();
            parcels[other].code = Some(code.clone());
            parcels[other].unit_code = parcels[one].unit_code.clone();
            rename_buildings(estate, other, &code, buildings);
            self.plant(
                "COD-02",
                "parcels",
                parcel_key(other),
                parcel_key(one),
                "单元号与另一宗地重复",
                "another parcel has the same unit code",
            );
        }
        for _ in 0..3 {
            let Some(parcel) = self.next_parcel(estate) else { return };
            let code = parcels[parcel].unit_code.clone().unwrap_or_default();
            parcels[parcel].unit_code = Some(format!("{}9{}", &code[..14], &code[15..]));
            self.plant(
                "COD-03",
                "parcels",
                parcel_key(parcel),
                String::new(),
                "单元号前 19 位与宗地代码不符",
                "the unit code does not begin with the parcel's code",
            );
        }
        for _ in 0..3 {
            let Some(parcel) = self.next_parcel(estate) else { return };
            let wrong = "320481";
            let code = format!("{wrong}{}", &parcels[parcel].code.clone().unwrap_or_default()[6..]);
            let unit_code = format!("{wrong}{}", &parcels[parcel].unit_code.clone().unwrap_or_default()[6..]);
            rename_buildings(estate, parcel, &code, buildings);
            parcels[parcel].code = Some(code);
            parcels[parcel].unit_code = Some(unit_code);
            self.plant(
                "COD-04",
                "parcels",
                parcel_key(parcel),
                String::new(),
                format!("代码前 6 位 {wrong} 与所在行政区不符"),
                format!("the code begins with {wrong}, which is not where the parcel lies"),
            );
        }
        for _ in 0..3 {
            let Some(parcel) = self.next_parcel(estate) else { return };
            let code = parcels[parcel].unit_code.clone().unwrap_or_default();
            parcels[parcel].unit_code = Some(format!("{}W00000000", &code[..19]));
            self.plant(
                "COD-06",
                "parcels",
                parcel_key(parcel),
                String::new(),
                "单元号表示无定着物, 宗地上却有楼栋",
                "the unit code says that nothing stands there, but buildings do",
            );
        }
        for area in ["000000", "999999", "000000", "999999"] {
            let Some(parcel) = self.next_parcel(estate) else { return };
            let provisional = |code: &str| format!("{}{area}{}", &code[..6], &code[12..]);
            let code = provisional(&parcels[parcel].code.clone().unwrap_or_default());
            let unit_code = provisional(&parcels[parcel].unit_code.clone().unwrap_or_default());
            rename_buildings(estate, parcel, &code, buildings);
            parcels[parcel].code = Some(code);
            parcels[parcel].unit_code = Some(unit_code);
            self.plant(
                "COD-07",
                "parcels",
                parcel_key(parcel),
                String::new(),
                format!("地籍区、子区为 {area}: 临时单元号"),
                format!("cadastral area {area}: a provisional code"),
            );
        }
        for wrong in ["081", "0899", "083"] {
            let Some(parcel) = self.next_parcel(estate) else { return };
            parcels[parcel].land_use = Some(wrong);
            self.plant(
                "COD-09",
                "parcels",
                parcel_key(parcel),
                String::new(),
                format!("地类 {wrong} 不在 GB/T 21010-2017 中"),
                format!("{wrong} is no class of GB/T 21010-2017"),
            );
        }
    }

    /// Faults of organisations: a wrong check digit, no staffing.
    pub fn spoil_units(&mut self, units: &mut [DemoUnit]) {
        let institutions: Vec<usize> = (0..units.len())
            .filter(|unit| units[*unit].kind == "public_institution")
            .collect();
        for unit in institutions.iter().skip(7).step_by(19).take(3) {
            let code = &mut units[*unit].code;
            let last = if code.ends_with('0') { '1' } else { '0' };
            code.pop();
            code.push(last);
            let code = code.clone();
            self.plant(
                "COD-11",
                "units",
                code,
                String::new(),
                "统一社会信用代码校验位不符",
                "the credit code's check digit is wrong",
            );
        }
        for unit in institutions.iter().skip(11).step_by(23).take(3) {
            units[*unit].headcount.clear();
            let code = units[*unit].code.clone();
            self.plant(
                "SPC-09",
                "units",
                code,
                String::new(),
                "没有编制数",
                "no staffing is given",
            );
        }
    }
}

fn rename_buildings(estate: &Estate, parcel: usize, code: &str, buildings: &mut [DemoAsset]) {
    for building in &estate.parcels[parcel].buildings {
        if let Some(own) = &mut buildings[*building].code {
            *own = format!("{code}{}", &own[19..]);
        }
    }
}
