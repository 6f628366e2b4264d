//! The counters of an account's calls: one for each month of `called_at`.

use std::collections::BTreeMap;

use domain::Timestamp;

/// How many of the instants lie in each month.
pub fn months(instants: impl IntoIterator<Item = Timestamp>) -> BTreeMap<i32, i64> {
    let mut months = BTreeMap::new();
    for instant in instants {
        *months.entry(instant.month_number()).or_default() += 1;
    }
    months
}

/// The calls of each year, the newest first, from those of each month, the newest first.
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
        let instants =
            [1_546_214_400, 1_546_214_401, 1_546_300_800, 1_577_750_400].map(|s| Timestamp::from_unix(s).unwrap());
        let months = months(instants);
        assert_eq!(months, BTreeMap::from([(2018 * 12 + 11, 2), (2019 * 12, 1), (2019 * 12 + 11, 1)]));
        assert_eq!(years(months.into_iter().rev()), [(2019, 2), (2018, 2)]);
        assert_eq!(years([]), []);
    }
}
