//! Amounts of resources, as manifests write them.

/// A quantity of Kubernetes as a number: `500m`, `2Gi`, `1e3`.
pub fn quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|it: char| !(it.is_ascii_digit() || matches!(it, '.' | '+' | '-')));
    let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        exponent => {
            let exponent = exponent.strip_prefix(['e', 'E'])?;
            10f64.powi(exponent.parse::<i32>().ok()?)
        }
    };
    number.parse::<f64>().ok().map(|it| it * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_count_by_tens_and_by_twos() {
        assert_eq!(quantity("500m"), Some(0.5));
        assert_eq!(quantity("2Gi"), Some(2_147_483_648.0));
        assert_eq!((quantity("1e3"), quantity("a lot")), (Some(1000.0), None));
    }
}
