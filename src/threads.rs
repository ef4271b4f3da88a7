//! How work is shared among the threads.

use std::{
    sync::{Once, OnceLock},
    thread::{self, ThreadId},
};

use rayon::{ThreadPoolBuilder, prelude::*};

/// The thread that is one of those that work, and how many they are; 0 for as many as there are
/// cores.
static LEAD: OnceLock<(ThreadId, usize)> = OnceLock::new();

/// Lets the thread that calls this work with the others instead of waiting for them: it must live
/// as long as there is work. There are as many as the machine has cores, if it is not said; they
/// start when there is work for more than one.
pub fn lead(threads: Option<usize>) {
    LEAD.get_or_init(|| (thread::current().id(), threads.map_or(0, |it| it.max(1))));
}

/// Starts the other threads, once.
fn start() {
    static START: Once = Once::new();
    let Some(&(lead, threads)) = LEAD.get() else { return };
    START.call_once(|| {
        if lead == thread::current().id() {
            let pool = ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
            // Where there are threads already, these work.
            let _ = pool.build_global();
        }
    });
}

/// What `work` makes of each item, in order. One item alone needs no other thread.
pub fn each<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    if items.len() < 2 {
        return items.into_iter().map(work).collect();
    }
    start();
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
