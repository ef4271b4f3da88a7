//! How work is shared among the threads.

use rayon::prelude::*;

/// What `work` makes of each item, in order. One item alone needs no other thread.
pub fn each<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    if items.len() < 2 {
        return items.into_iter().map(work).collect();
    }
    items.into_par_iter().map(work).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..1_000).collect();
        let twice: Vec<u32> = items.iter().map(|it| 2 * it).collect();
        assert_eq!(each(items, |it| 2 * it), twice);
        assert_eq!(each(vec![1], |it| it + 1), [2]);
    }
}
