//! The sandbox: a clock that can be set forward, and tags that are touched by asking.
//!
//! It exists only where no money is real. A platform for real payments has no [`Sandbox`], and its routes answer that
//! there is no such thing.

use std::fmt;

use engine::{Clock, TestClock};
use payments::{Action, Answer, RegisteredTag, UnixMillis};
use tag::{AesKey, ReadCounter, SoftwareTag};

use crate::app::App;
use crate::problem::{Code, Problem};
use crate::source::{Source, SystemSource};

/// What a platform without real money can do beside the rest.
pub struct Sandbox {
    clock: TestClock,
    tag_master: AesKey,
    tap_url: String,
}

impl Sandbox {
    /// A sandbox with the engine's own clock, the tags' master key, and the URL that its tags answer with.
    pub fn new(clock: TestClock, tag_master: AesKey, tap_url: String) -> Self {
        Self { clock, tag_master, tap_url }
    }

    /// The same clock, for all that is not decided by the engine.
    pub fn source(&self) -> impl Source {
        SandboxSource(self.clock.clone())
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    pub(crate) fn advance(&self, milliseconds: u64) {
        self.clock.advance(milliseconds);
    }

    /// What a phone would read from a tag that has counted so far.
    pub(crate) fn touch(&self, tag: &RegisteredTag, counter: u32, random: u128) -> Result<String, Problem> {
        let worn_out = |error: &dyn fmt::Display| Problem::new(Code::TagInactive, error.to_string());
        let counter = ReadCounter::new(counter).map_err(|error| worn_out(&error))?;
        let mut chip =
            SoftwareTag::new(&self.tag_master, tag.uid, counter, &self.tap_url).map_err(Problem::internal)?;
        let [a, b, c, d, e, ..] = random.to_le_bytes();
        chip.touch([a, b, c, d, e]).map_err(|error| worn_out(&error))
    }
}

/// Shows no keys.
impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("clock", &self.clock).finish_non_exhaustive()
    }
}

struct SandboxSource(TestClock);

impl Source for SandboxSource {
    fn now(&self) -> UnixMillis {
        self.0.now()
    }

    fn random(&self) -> u128 {
        SystemSource.random()
    }
}

impl App {
    /// The sandbox, where there is one.
    pub(crate) fn sandbox(&self) -> Result<&Sandbox, Problem> {
        let reason = "this platform is for real payments: only a sandbox or a demonstration has this";
        self.options().sandbox.as_ref().ok_or_else(|| Problem::new(Code::SandboxOnly, reason))
    }

    /// Whether amounts can force outcomes, and private addresses are no danger.
    pub(crate) fn is_sandbox(&self) -> bool {
        self.options().sandbox.is_some()
    }

    /// Does everything that is due at this moment: expiries, closings, payouts, deadlines.
    pub(crate) async fn do_what_is_due(&self) -> Result<(), Problem> {
        loop {
            match self.submit(Action::Tick, None).await? {
                Answer::Ticked(0) => return Ok(()),
                Answer::Ticked(_) => {}
                other => return Err(Problem::internal(format_args!("the core answered {other:?} to a tick"))),
            }
        }
    }
}
