//! What a room is for (房间类型): the types of the space standard (2674 art. 10) and what serves what within them.

/// The types. Offices, service rooms and equipment rooms are basic office space (基本办公用房).
///
/// The last is no office space at all: a home for staff for a time (周转住房).
pub const ROOM_TYPES: [&str; 8] = [
    "office",
    "service",
    "equipment",
    "ancillary",
    "technical",
    "shop",
    "public",
    HOME,
];

/// A home for staff for a time (周转住房).
pub const HOME: &str = "turnover_housing";

/// Type, purpose, and what lists call it; the first word is the standard's.
const PURPOSES: [(&str, &str, &[&str]); 37] = [
    ("office", "leader_office", &["领导人员办公室", "领导办公室"]),
    ("office", "staff_office", &["一般工作人员办公室", "工作人员办公室"]),
    ("office", "rest_room", &["休息室"]),
    ("office", "private_washroom", &["独立卫生间", "办公室卫生间"]),
    ("service", "meeting", &["会议室"]),
    ("service", "reception", &["接待室", "会客室"]),
    ("service", "archive", &["档案室"]),
    ("service", "library", &["图书资料室", "图书室", "资料室"]),
    ("service", "network", &["机关信息网络用房", "信息网络用房"]),
    ("service", "confidential", &["机要保密室", "机要室", "保密室"]),
    ("service", "printing", &["文印室", "打印室"]),
    ("service", "mail", &["收发室"]),
    ("service", "medical", &["医务室"]),
    ("service", "duty", &["值班室"]),
    ("service", "storage", &["储藏室", "储物间", "仓库"]),
    ("service", "property", &["物业及工勤人员用房", "物业用房"]),
    ("service", "water", &["开水间", "茶水间"]),
    ("service", "toilet", &["卫生间", "厕所"]),
    ("equipment", "power", &["变配电室", "配电室"]),
    ("equipment", "pump", &["水泵房"]),
    ("equipment", "tank", &["水箱间"]),
    ("equipment", "recycled_water", &["中水处理间"]),
    ("equipment", "boiler", &["锅炉房", "热力交换站"]),
    ("equipment", "air_conditioning", &["空调机房"]),
    ("equipment", "communication", &["通信机房"]),
    ("equipment", "lift_machine", &["电梯机房"]),
    ("equipment", "intelligent", &["智能化设备用房"]),
    ("ancillary", "canteen", &["食堂", "餐厅"]),
    ("ancillary", "car_garage", &["汽车库", "停车库", "车库"]),
    ("ancillary", "bicycle_garage", &["自行车库"]),
    ("ancillary", "electric_bicycle_garage", &["电动车库", "摩托车库"]),
    ("ancillary", "guard", &["警卫用房"]),
    ("ancillary", "civil_defence", &["人防设施", "人防工程"]),
    ("public", "lobby", &["门厅"]),
    ("public", "corridor", &["走廊"]),
    ("public", "stairs", &["楼梯"]),
    ("public", "lift_hall", &["电梯厅"]),
];

/// What lists call the types, in the order of [`ROOM_TYPES`].
const TYPE_WORDS: [&[&str]; ROOM_TYPES.len()] = [
    &["办公室", "办公用房", "办公"],
    &["服务用房", "公共服务用房"],
    &["设备用房"],
    &["附属用房"],
    &["技术业务用房", "业务用房", "技术用房"],
    &["附属用房门面", "门面", "商铺"],
    &["公共部位", "公共部分"],
    &["周转住房", "周转房"],
];

/// The purposes of a type.
pub(super) fn purposes_of(room_type: &str) -> Vec<&'static str> {
    PURPOSES
        .iter()
        .filter(|(of, _, _)| *of == room_type)
        .map(|(_, purpose, _)| *purpose)
        .collect()
}

/// The type, and the purpose where it tells one, that a list's word means.
pub(super) fn meant_by(word: &str) -> Option<(&'static str, Option<&'static str>)> {
    let word: String = word
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect();
    let of_type = ROOM_TYPES
        .iter()
        .zip(TYPE_WORDS)
        .find(|(code, words)| **code == word || words.contains(&word.as_str()))
        .map(|(code, _)| (*code, None));
    of_type.or_else(|| {
        PURPOSES
            .iter()
            .find(|(_, purpose, words)| *purpose == word || words.contains(&word.as_str()))
            .map(|(room_type, purpose, _)| (*room_type, Some(*purpose)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_list_means_a_type_or_what_it_is_for() {
        assert_eq!(meant_by("办公室"), Some(("office", None)));
        assert_eq!(meant_by(" 会议室 "), Some(("service", Some("meeting"))));
        assert_eq!(meant_by("附属用房门面"), Some(("shop", None)));
        assert_eq!(meant_by("Canteen"), Some(("ancillary", Some("canteen"))));
        assert_eq!(meant_by("周转住房"), Some((HOME, None)));
        assert_eq!(meant_by("天文台"), None);
    }
}
