//! A day of the calendar: read, written, compared, counted.

use std::{fmt, str::FromStr, time::SystemTime};

/// A day, as the days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i64);

impl Date {
    /// The day with this number in this month and year; none if the calendar has no such day.
    pub fn new(year: i64, month: i64, day: i64) -> Option<Self> {
        let exists = (0..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day);
        exists.then(|| Self(days_from(year, month, day)))
    }

    /// Today, in UTC.
    pub fn today() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self(now.map_or(0, |it| (it.as_secs() / 86_400) as i64))
    }

    /// The day on which the second `seconds` since 1970 lies.
    pub fn at_second(seconds: i64) -> Self {
        Self(seconds.div_euclid(86_400))
    }

    /// The day `days` later.
    #[must_use]
    pub fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// How many days it is after `earlier`.
    pub fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. The year is taken to start in March, so that the leap day comes last.
fn days_from(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A text that is no day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date of the form YYYY-MM-DD")]
pub struct NoDate;

impl FromStr for Date {
    type Err = NoDate;

    fn from_str(text: &str) -> Result<Self, NoDate> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shaped {
            return Err(NoDate);
        }
        let number = |from: usize, to: usize| text[from..to].parse().unwrap_or(-1);
        Self::new(number(0, 4), number(5, 7), number(8, 10)).ok_or(NoDate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_written() {
        for text in ["1970-01-01", "2000-02-29", "2026-11-22", "1969-12-31", "9999-12-31"] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
        for text in
            ["2026-02-29", "2026-13-01", "2026-00-10", "26-1-1", "2026/01/01", "", "é026-01-01"]
        {
            assert_eq!(text.parse::<Date>(), Err(NoDate), "{text}");
        }
    }

    #[test]
    fn every_day_of_eight_centuries_comes_back() {
        let start: Date = "1600-01-01".parse().unwrap();
        for day in 0..292_194 {
            let date = start.plus(day);
            assert_eq!(date.to_string().parse::<Date>().unwrap(), date);
        }
        assert_eq!(start.plus(292_194).to_string(), "2400-01-01");
    }

    #[test]
    fn days_are_counted() {
        let launch: Date = "2024-02-28".parse().unwrap();
        assert_eq!(launch.plus(2).to_string(), "2024-03-01");
        assert_eq!(launch.plus(366).since(launch), 366);
        assert_eq!(Date::at_second(86_399), Date::at_second(0));
    }
}
