//! What can go wrong with a tag, and what to do then.

use std::fmt;

use chip::Status;
use chip::access::KeyNumber;
use tag::sdm::Mode;
use tag::{KeyVersion, TapError, Uid};

use crate::keys::{KeysUnavailable, NotRecorded};
use crate::link::LinkError;

/// The commands that a reader sends, by the data sheet's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Command {
    /// AuthenticateEV2First, or AuthenticateLRPFirst.
    Authenticate = 0x71,
    /// The next frame of what came before.
    AdditionalFrame = 0xAF,
    /// ChangeKey.
    ChangeKey = 0xC4,
    /// GetKeyVersion.
    GetKeyVersion = 0x64,
    /// GetCardUID.
    GetCardUid = 0x51,
    /// GetVersion.
    GetVersion = 0x60,
    /// Read_Sig.
    ReadSignature = 0x3C,
    /// GetFileSettings.
    GetFileSettings = 0xF5,
    /// ChangeFileSettings.
    ChangeFileSettings = 0x5F,
    /// ReadData.
    ReadData = 0xAD,
    /// WriteData.
    WriteData = 0x8D,
    /// ISOSelectFile.
    IsoSelectFile = 0xA4,
    /// ISOReadBinary.
    IsoReadBinary = 0xB0,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authenticate => "AuthenticateFirst",
            Self::AdditionalFrame => "AdditionalFrame",
            Self::ChangeKey => "ChangeKey",
            Self::GetKeyVersion => "GetKeyVersion",
            Self::GetCardUid => "GetCardUID",
            Self::GetVersion => "GetVersion",
            Self::ReadSignature => "Read_Sig",
            Self::GetFileSettings => "GetFileSettings",
            Self::ChangeFileSettings => "ChangeFileSettings",
            Self::ReadData => "ReadData",
            Self::WriteData => "WriteData",
            Self::IsoSelectFile => "ISOSelectFile",
            Self::IsoReadBinary => "ISOReadBinary",
        })
    }
}

/// Why a command brought nothing. None of what a tag answered is in it but a status word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There was no answer.
    #[error("the link to the tag broke at {command}: {reason}")]
    Link {
        /// At which command.
        command: Command,
        /// What the reader says.
        reason: LinkError,
    },
    /// The tag did not carry it out.
    #[error("the tag refused {command} with {status}")]
    Refused {
        /// Which command.
        command: Command,
        /// The status word.
        status: Status,
    },
    /// The answer is not one to that command.
    #[error("the tag's answer to {command} {problem}")]
    Answer {
        /// Which command.
        command: Command,
        /// What is wrong with the answer.
        problem: Problem,
    },
    /// A key was not to be had.
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
    /// The use of a key was not to be recorded.
    #[error(transparent)]
    Audit(#[from] NotRecorded),
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It has not the length that it should have.
    #[error("has the wrong length")]
    Length,
    /// Its MAC or its padding is wrong: it is not from the tag that authenticated, or was damaged on the way.
    #[error("is not signed by the tag that the session is with")]
    Mac,
    /// The tag took the reader's proof and gave none of its own.
    #[error("does not prove that the tag has the key")]
    Proof,
    /// It has a value that the data sheet does not have.
    #[error("has a value that the data sheet does not know")]
    Value,
    /// It is not what was written before.
    #[error("is not what was written")]
    Different,
    /// It names another UID than before.
    #[error("names another tag than the one before")]
    OtherTag,
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Finding out where the tag is. Nothing is changed in this.
    Examining,
    /// Changing a key.
    ChangingKey(KeyNumber),
    /// Changing the NDEF file's settings.
    ChangingSettings,
    /// Writing the message.
    WritingMessage,
    /// Reading back what was written. Nothing is changed in this.
    ReadingBack,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Examining => f.write_str("while the tag was examined"),
            Self::ChangingKey(slot) => write!(f, "while key {} was changed", slot.value()),
            Self::ChangingSettings => f.write_str("while the settings were changed"),
            Self::WritingMessage => f.write_str("while the message was written"),
            Self::ReadingBack => f.write_str("while the tag was read back"),
        }
    }
}

/// Why a tag is not personalised, and what to do with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It is left as it was.
    #[error("{}nothing was changed: {reason}", named(uid))]
    Refused {
        /// Which tag, if it told.
        uid: Option<Uid>,
        /// Why.
        reason: Refusal,
    },
    /// It is somewhere on the way. All its keys are known.
    #[error("{}{stage}, {fault}. {}", named(uid), advice(*stage, fault))]
    Interrupted {
        /// Which tag, if it told.
        uid: Option<Uid>,
        /// What was being done.
        stage: Stage,
        /// What went wrong.
        fault: Fault,
    },
    /// It has everything, and what it says does not verify.
    #[error("tag {uid}: it was written, and the server would refuse what it says ({reason}): set it aside")]
    NotVerified {
        /// Which tag.
        uid: Uid,
        /// What the server's verifier says.
        reason: TapError,
    },
}

impl Failure {
    /// Which tag, if it told.
    #[must_use]
    pub fn uid(&self) -> Option<Uid> {
        match self {
            Self::Refused { uid, .. } | Self::Interrupted { uid, .. } => *uid,
            Self::NotVerified { uid, .. } => Some(*uid),
        }
    }
}

fn named(uid: &Option<Uid>) -> String {
    uid.map_or_else(String::new, |uid| format!("tag {uid}: "))
}

fn advice(stage: Stage, fault: &Fault) -> &'static str {
    match (stage, fault) {
        (_, Fault::Keys(_) | Fault::Audit(_)) => "All of its keys are known. Put that right, then run this again",
        (Stage::Examining, _) => "Nothing was changed. Hold the tag to the reader and run this again",
        (Stage::ReadingBack, Fault::Answer { .. }) => {
            "It was written, and all of its keys are known. Run this again; if it says the same, set the tag aside"
        }
        (_, Fault::Refused { .. } | Fault::Answer { .. }) => {
            "All of its keys are known. Run this again; if it says the same, set the tag aside"
        }
        (_, Fault::Link { .. }) => {
            "All of its keys are known, and it is not finished. Hold it to the reader and run this again"
        }
    }
}

/// Why a tag is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is something else.
    #[error("this is not an NTAG 424 DNA")]
    OtherChip,
    /// It shows no UID, and without one its keys cannot be derived.
    #[error("it hides its UID behind random ones, for ever: use another tag")]
    HiddenUid,
    /// NXP did not sign its UID.
    #[error("its signature is not NXP's, so that it is an imitation, or was read wrongly: do not use it")]
    NotOriginal,
    /// Its master key is neither the factory's nor one of ours.
    #[error(
        "it belongs to somebody else: its master key, which it says is of version {version}, is neither the factory's \
         nor one of ours. After this it counts at most two more failed authentications"
    )]
    Foreign {
        /// The version that its slot 0 shows.
        version: KeyVersion,
    },
    /// Its master key is known, and another one is not.
    #[error(
        "its key {}, which it says is of version {version}, is neither the factory's nor one of ours, and cannot be \
         replaced without knowing it: retire the tag", slot.value()
    )]
    UnknownKey {
        /// Which slot.
        slot: KeyNumber,
        /// The version that the slot shows.
        version: KeyVersion,
    },
    /// It has keys of a version that comes after the current one.
    #[error("it has keys of version {found}, and the current version is {current}: use the newer keys")]
    NewerKeys {
        /// Its version.
        found: KeyVersion,
        /// The version that it would get.
        current: KeyVersion,
    },
    /// The version of the keys is the factory's.
    #[error("version 0 says that a key is the factory's: keys of ours have the versions 1 to 255")]
    VersionZero,
    /// It is in the mode that the platform's tags are not in.
    #[error("{}", other_mode(*found))]
    OtherMode {
        /// Its mode.
        found: Mode,
    },
    /// Too many authentications failed lately.
    #[error("too many authentications with it have failed lately: leave it in the reader's field and run this again")]
    Delayed,
    /// Too many authentications failed altogether.
    #[error("it takes no more authentications, after too many that failed: retire the tag")]
    Locked,
    /// Its master key may not change its NDEF file's settings.
    #[error("the settings of its NDEF file are not for its master key to change: retire the tag")]
    SettingsLocked,
}

fn other_mode(found: Mode) -> &'static str {
    match found {
        Mode::Lrp => {
            "it is in LRP mode, which is for ever, and the platform's tags are in AES mode, the only one that the server \
             verifies: use another tag"
        }
        Mode::Aes => "it is in AES mode, and the platform's tags are in LRP mode: use a tag that was switched to LRP",
    }
}
