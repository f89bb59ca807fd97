//! How long to wait before the next attempt.

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The waits after the first, second … failed attempt of a delivery: three days in all, then it is a dead letter.
pub const RETRY_WAITS_MS: [u64; 9] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// How long a delivery is tried at most, from its first attempt on: the waits and what chance adds to them.
pub const MAX_TRYING_MS: u64 = 90 * HOUR;

/// The waits between the probes of an endpoint that only fails; the last one repeats.
pub const PROBE_WAITS_MS: [u64; 6] = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE];

/// A wait made longer by chance, by a tenth at most, so that what failed together does not come back together.
/// `random` is any number; equal ones give equal waits, zero adds nothing.
pub(crate) fn jittered(wait: u64, random: u32) -> u64 {
    wait + ((wait / 10).saturating_mul(u64::from(random)) >> 32)
}

/// The wait after the `failures`-th failed attempt (from 1); `None` when there is no further attempt.
pub(crate) fn retry_wait(failures: u32) -> Option<u64> {
    RETRY_WAITS_MS.get(usize::try_from(failures.checked_sub(1)?).ok()?).copied()
}

/// The wait after the `failures`-th failed probe (from 1).
pub(crate) fn probe_wait(failures: u32) -> u64 {
    let place = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    PROBE_WAITS_MS[place.min(PROBE_WAITS_MS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_takes_three_days() {
        let all: u64 = RETRY_WAITS_MS.iter().sum();
        assert!((72 * HOUR..80 * HOUR).contains(&all));
        let slowest: u64 = RETRY_WAITS_MS.iter().map(|wait| jittered(*wait, u32::MAX)).sum();
        assert!(slowest < MAX_TRYING_MS);
        assert_eq!(
            (retry_wait(0), retry_wait(1), retry_wait(9), retry_wait(10)),
            (None, Some(5_000), Some(24 * HOUR), None)
        );
        assert_eq!((probe_wait(1), probe_wait(6), probe_wait(1_000)), (5_000, 30 * MINUTE, 30 * MINUTE));
    }

    #[test]
    fn chance_adds_a_tenth_at_most() {
        assert_eq!(jittered(5_000, 0), 5_000);
        assert_eq!(jittered(5_000, u32::MAX), 5_499);
        assert_eq!(jittered(5_000, 1 << 31), 5_250);
    }
}
