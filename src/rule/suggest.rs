//! What somebody may have meant: the nearest of the words that there are.

/// The candidate that is nearest to `word`, if any is near enough to be a slip.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (word.chars().count() / 3).max(1);
    let far = candidates.into_iter().map(|it| (distance(word, it), it));
    far.filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|it| it.1)
}

/// How many letters must be added, removed, replaced or swapped.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replaced = above[j] + usize::from(a[i] != b[j]);
            let mut least = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_through_and_other_words_are_not() {
        let words = ["severity", "subject", "title"];
        assert_eq!(nearest("sevreity", words), Some("severity"));
        assert_eq!(nearest("subjects", words), Some("subject"));
        assert_eq!(nearest("tilte", words), Some("title"));
        assert_eq!(nearest("power", words), None);
        assert_eq!(distance("abc", ""), 3);
    }
}
