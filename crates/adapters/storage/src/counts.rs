//! Numbers of calls by month and by year.

use std::collections::BTreeMap;

use domain::Timestamp;

/// Counts timestamps by [`Timestamp::month_number`].
pub fn count_by_month(timestamps: impl IntoIterator<Item = Timestamp>) -> BTreeMap<i32, i64> {
    let mut months = BTreeMap::new();
    for timestamp in timestamps {
        *months.entry(timestamp.month_number()).or_default() += 1;
    }
    months
}

/// Adds the calls of each month up to those of each year. Both lists have the newest first.
pub fn calls_per_year(months: impl IntoIterator<Item = (i32, i64)>) -> Vec<(i32, u64)> {
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
        let months = count_by_month(timestamps);
        assert_eq!(months, BTreeMap::from([(2018 * 12 + 11, 2), (2019 * 12, 1), (2019 * 12 + 11, 1)]));
        assert_eq!(calls_per_year(months.into_iter().rev()), [(2019, 2), (2018, 2)]);
        assert_eq!(calls_per_year([]), []);
    }
}
