//! From where a tag is to what is left to do.

use std::fmt;

use chip::access::{Access, AccessRights, KeyNumber};
use tag::KeyVersion;

use crate::fault::Refusal;

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The factory: zeros.
    Factory,
    /// Our master key of that version.
    Ours(KeyVersion),
}

/// What a slot was found to hold: the tag has accepted the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) number: KeyNumber,
    pub(crate) origin: Origin,
    /// The version that the tag shows, which tools of others may have set to anything.
    pub(crate) shown: KeyVersion,
}

/// Where a tag is.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) slots: [Slot; 5],
    /// Who may do what with the NDEF file.
    pub(crate) rights: AccessRights,
    /// Whether the NDEF file's settings are those that it shall have.
    pub(crate) settings_are_right: bool,
    /// Whether its message is the one that it shall have.
    pub(crate) message_is_right: bool,
}

/// Something that was left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key is replaced.
    ChangeKey(KeyNumber),
    /// The NDEF file gets its access rights and its mirrors.
    ChangeSettings,
    /// The NDEF file gets its message.
    WriteMessage,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChangeKey(slot) => write!(f, "key {}", slot.value()),
            Self::ChangeSettings => f.write_str("settings"),
            Self::WriteMessage => f.write_str("message"),
        }
    }
}

/// The steps that are left, in their order.
///
/// Keys 1 to 4 come first, so that nothing is ever signed with the factory's keys; then the settings, after which the master
/// key may write; then the message; and the master key last, because who finds the new one must find everything else
/// done. Before the last step the tag opens with the old master key, after it with the new one: both are known, and the
/// version beside the key says which it is.
pub(crate) fn plan(found: &Found, current: KeyVersion) -> Result<Vec<Step>, Refusal> {
    for slot in &found.slots {
        match slot.origin {
            Origin::Ours(found) if found > current => return Err(Refusal::NewerKeys { found, current }),
            _ => {}
        }
    }
    let may_change = [Access::Free, Access::Key(KeyNumber::MASTER)].contains(&found.rights.change);
    if !found.settings_are_right && !may_change {
        return Err(Refusal::SettingsLocked);
    }
    let is_old = |slot: &&Slot| slot.origin != Origin::Ours(current) || slot.shown != current;
    let change = |slot: &Slot| Step::ChangeKey(slot.number);
    let [master, others @ ..] = &found.slots;
    let settings = (!found.settings_are_right).then_some(Step::ChangeSettings);
    let message = (!(found.settings_are_right && found.message_is_right)).then_some(Step::WriteMessage);
    let keys = others.iter().filter(is_old).map(change);
    Ok(keys.chain(settings).chain(message).chain(Some(master).filter(is_old).map(change)).collect())
}
