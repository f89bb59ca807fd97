//! A command on its way through the engine.

use payments::{Action, Answer, Rejection, Request};

use crate::error::Unavailable;

/// What a command came to, or why that is not known.
pub type Reply = Result<Result<Answer, Rejection>, Unavailable>;

/// A command and whom to tell.
pub(crate) struct Submission {
    pub(crate) action: Action,
    pub(crate) request: Option<Request>,
    pub(crate) caller: Caller,
}

impl Submission {
    pub(crate) fn new(action: Action, request: Option<Request>, reply: Box<dyn FnOnce(Reply) + Send>) -> Self {
        Self { action, request, caller: Caller(Some(reply)) }
    }

    /// Forgets the command without a word to its caller, who has been told otherwise.
    pub(crate) fn withdraw(mut self) {
        self.caller.0 = None;
    }
}

/// Somebody who waits for a reply and gets exactly one: dropped unanswered, it says that nothing is known.
pub(crate) struct Caller(Option<Box<dyn FnOnce(Reply) + Send>>);

impl Caller {
    pub(crate) fn tell(mut self, reply: Reply) {
        if let Some(callback) = self.0.take() {
            callback(reply);
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        if let Some(callback) = self.0.take() {
            callback(Err(Unavailable::Stopped));
        }
    }
}
