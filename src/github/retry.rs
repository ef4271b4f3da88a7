//! When a request is sent again: what may have been done already is not done twice.

use std::time::Duration;

/// How often a request is sent at most.
const TRIES: u32 = 3;

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server answered.
    Answer {
        /// The status of the answer.
        status: u16,
        /// After how many seconds it wants to be asked again, if it says.
        after: Option<u64>,
    },
    /// No answer, or half of one.
    Broken,
}

/// How long to wait before a request is sent again; nothing if it is not. `tries` is how often it
/// was sent, `first` the first pause; `safe` says that sending it twice does no more than once.
pub fn pause(outcome: Outcome, safe: bool, tries: u32, first: Duration) -> Option<Duration> {
    if tries >= TRIES {
        return None;
    }
    match outcome {
        // A request that was turned away did nothing. Without a word on when to come back, 403
        // means that the token may not.
        Outcome::Answer { status: 403 | 429, after: Some(after) } => {
            Some(Duration::from_secs(after))
        }
        Outcome::Answer { status: 429, after: None } => Some(Duration::from_secs(60)),
        Outcome::Answer { status: 500.., .. } | Outcome::Broken if safe => {
            Some(first * 2_u32.pow(tries - 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(1);

    fn pauses(status: u16, after: Option<u64>, safe: bool) -> Vec<u64> {
        let outcome = Outcome::Answer { status, after };
        let pause = |tries| pause(outcome, safe, tries, FIRST);
        (1..9).map_while(pause).map(|it| it.as_secs()).collect()
    }

    #[test]
    fn what_may_have_been_done_is_not_done_twice() {
        assert_eq!(pauses(502, None, true), [1, 2]);
        assert_eq!(pauses(502, None, false), [0; 0]);
        assert_eq!(pause(Outcome::Broken, false, 1, FIRST), None);
        assert_eq!(pause(Outcome::Broken, true, 1, FIRST), Some(FIRST));
    }

    #[test]
    fn a_server_that_says_when_is_asked_then() {
        assert_eq!(pauses(403, Some(7), false), [7, 7]);
        assert_eq!(pauses(429, Some(7), false), [7, 7]);
        assert_eq!(pauses(429, None, true), [60, 60]);
    }

    #[test]
    fn what_will_not_change_is_not_asked_again() {
        for status in [200, 201, 403, 404, 422] {
            assert_eq!(pauses(status, None, true), [0; 0], "{status}");
        }
    }
}
