//! Filters of the OGC API, as text and as JSON.

pub const WORDS: &[&[u8]] = &[
    b" AND ",
    b" OR ",
    b"NOT ",
    b" BETWEEN ",
    b" IS NULL",
    b" LIKE ",
    b" IN (",
    b"S_INTERSECTS(geometry, ",
    b"T_DURING(",
    b"INTERVAL('2020-01-01','..')",
    b"DATE('2021-02-29')",
    b"POLYGON((119 31,120 31,120 32,119 31))",
    b"BBOX(1,2,3,4)",
    b"casei(",
    b"area_m2",
    b"code",
    b"idle",
    b"'",
    b"((",
    b"{\"op\":",
    b"\"args\":[",
    b"{\"property\":\"name\"}",
];

/// Reads a filter of parcels and writes its condition.
pub fn filter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Err(problem) = registry::ogc::understand_filter(text) {
        assert!(!problem.detail.is_empty(), "a refusal without words");
        assert!(
            (400..500).contains(&problem.status),
            "a filter is at fault and not the server: {}",
            problem.detail
        );
    }
}
