//! stand-in until the real crate moves in
/// `YYYY-MM-DD` and RFC 3339.
pub fn strtotime(text: &str, _now: i64) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).map(|t| t.timestamp()).ok().or_else(|| {
        chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .map(|d| d.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc().timestamp())
    })
}
