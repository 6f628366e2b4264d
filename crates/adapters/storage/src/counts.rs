//! The counters of an account's calls by month of `called_at`.

use std::collections::BTreeMap;

use domain::Timestamp;

/// Counts timestamps by month.
pub fn months(timestamps: impl IntoIterator<Item = Timestamp>) -> BTreeMap<i32, i64> {
    let mut months = BTreeMap::new();
    for timestamp in timestamps {
        *months.entry(timestamp.month_number()).or_default() += 1;
    }
    months
}

/// Sums the numbers of calls by month up by year. Both are ordered from the newest on.
pub fn years(months: impl IntoIterator<Item = (i32, i64)>) -> Vec<(i32, u64)> {
    let mut years: Vec<(i32, u64)> = Vec::new();
    for (month, calls) in months {
        let (year, calls) = (month.div_euclid(12), calls.unsigned_abs());
        match years.last_mut() {
            Some((last, sum)) if *last == year => *sum += calls,
            _ => years.push((year, calls)),
        }
    }
    years
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_add_up_to_years() {
        let timestamps =
            [1_546_214_400, 1_546_214_401, 1_546_300_800, 1_577_750_400].map(|s| Timestamp::from_unix(s).unwrap());
        let months = months(timestamps);
        assert_eq!(months, BTreeMap::from([(2018 * 12 + 11, 2), (2019 * 12, 1), (2019 * 12 + 11, 1)]));
        assert_eq!(years(months.into_iter().rev()), [(2019, 2), (2018, 2)]);
        assert_eq!(years([]), []);
    }
}
