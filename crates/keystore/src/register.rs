//! Which versions of master keys there are and what each is good for: all the rules, and nothing else.

use serde::{Deserialize, Serialize};
use tag::KeyVersion;

use crate::masters::MasterId;
use crate::person::Person;
use crate::share::{CheckValue, Share};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// Versions of master keys, oldest first, and the ceremony that is under way. The first version is 1, the last 255.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    versions: Vec<Version>,
    ceremony: Option<Ceremony>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    number: u8,
    check: CheckValue,
    origin: Origin,
    made_at: Timestamp,
    life: Life,
}

/// How a master key came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Two people made it.
    Ceremony([Person; 2]),
    /// It was there before there was a store, and this person brought it in.
    Adopted(Person),
}

/// What was decided about a version; what it is at a moment is a [`State`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Life {
    Made,
    Current,
    Accepted { until: Option<Timestamp> },
    Retired { by: Person, at: Timestamp },
}

/// One person has given a share, the other is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ceremony {
    number: u8,
    begun_by: Person,
    begun_at: Timestamp,
    share: Share,
}

/// What a version is good for at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// One person has given a share; there is no key yet.
    Pending {
        /// Who began.
        begun_by: Person,
    },
    /// The key is there and nothing is personalised with it yet.
    Made,
    /// Tags are personalised with it, and accepted.
    Current,
    /// Tags that have it are accepted; none is personalised with it any more.
    Accepted {
        /// Until this moment, or until somebody retires it.
        until: Option<Timestamp>,
    },
    /// Tags that have it are refused and told why.
    Retired(RetiredBecause),
}

/// Why tags of a version are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetiredBecause {
    /// Its overlap with the next version is over.
    OverlapEnded {
        /// Since when.
        at: Timestamp,
    },
    /// Somebody said so.
    Told {
        /// Who.
        by: Person,
        /// When.
        at: Timestamp,
    },
}

/// The rules forbid it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another ceremony is not finished.
    #[error("{begun_by} has begun the ceremony of version {version}: finish or cancel that first", version = version.0)]
    CeremonyUnderWay {
        /// The version that it will make.
        version: KeyVersion,
        /// Who began.
        begun_by: Person,
    },
    /// There is no ceremony to join or to cancel.
    #[error("no ceremony is under way: begin one")]
    NoCeremony,
    /// One person gave both shares.
    #[error("{0} has begun this ceremony: another person must join it")]
    SamePerson(Person),
    /// Both shares are one.
    #[error("both shares are the same: each person needs one that the other has never seen")]
    SameShare,
    /// A version was made and not activated.
    #[error("version {} is made and waits: activate or retire that first", .0.0)]
    NotActivated(KeyVersion),
    /// Chips have a byte for it.
    #[error("version 255 is the last one that a chip can tell")]
    NoMoreVersions,
    /// There is no such version.
    #[error("there is no version {}", .0.0)]
    NoSuchVersion(KeyVersion),
    /// There is nothing to personalise tags with.
    #[error("no version is current: make a master key, and activate it")]
    NoCurrentVersion,
    /// Only what was made and never used can become current.
    #[error("version {} cannot become current: it has been, or is retired", .0.0)]
    NotActivatable(KeyVersion),
    /// The platform would be left with nothing to personalise with.
    #[error("version {} is the current one: activate another first", .0.0)]
    RetiringCurrent(KeyVersion),
    /// It was retired before.
    #[error("version {} is retired already", .0.0)]
    RetiredAlready(KeyVersion),
    /// An overlap that is over before it begins.
    #[error("the overlap must end in the future")]
    OverlapInThePast,
    /// A key that was there before has to be the first.
    #[error("the store has master keys already: adopt only into a new one")]
    NotEmpty,
}

impl Register {
    /// The versions that have a key, oldest first.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// What each version is good for now, that of the ceremony under way last.
    pub fn states(&self, now: Timestamp) -> impl Iterator<Item = (KeyVersion, State)> {
        let made = self.versions.iter().map(move |version| (version.number(), version.state(now)));
        let pending = self
            .ceremony
            .iter()
            .map(|ceremony| (KeyVersion(ceremony.number), State::Pending { begun_by: ceremony.begun_by.clone() }));
        made.chain(pending)
    }

    /// The version that tags are personalised with.
    ///
    /// # Errors
    /// [`Refusal::NoCurrentVersion`].
    pub fn current(&self) -> Result<&Version, Refusal> {
        self.versions.iter().find(|version| version.life == Life::Current).ok_or(Refusal::NoCurrentVersion)
    }

    /// When an overlap ends next, after which tags of that version must be refused.
    #[must_use]
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.versions.iter().filter_map(|version| match version.life {
            Life::Accepted { until } => until,
            _ => None,
        });
        ends.filter(|until| *until > now).min()
    }

    pub(crate) fn begin(&mut self, by: Person, at: Timestamp, share: Share) -> Result<KeyVersion, Refusal> {
        if let Some(Ceremony { number, begun_by, .. }) = &self.ceremony {
            let (version, begun_by) = (KeyVersion(*number), begun_by.clone());
            return Err(Refusal::CeremonyUnderWay { version, begun_by });
        }
        if let Some(version) = self.versions.iter().find(|version| version.life == Life::Made) {
            return Err(Refusal::NotActivated(version.number()));
        }
        let last = self.versions.last().map_or(0, |version| version.number);
        let number = last.checked_add(1).ok_or(Refusal::NoMoreVersions)?;
        self.ceremony = Some(Ceremony { number, begun_by: by, begun_at: at, share });
        Ok(KeyVersion(number))
    }

    /// The version that both shares make, and the first of them.
    pub(crate) fn awaiting(&self, by: &Person, share: &Share) -> Result<(KeyVersion, &Share), Refusal> {
        let ceremony = self.ceremony.as_ref().ok_or(Refusal::NoCeremony)?;
        if ceremony.begun_by.is_same_as(by) {
            return Err(Refusal::SamePerson(ceremony.begun_by.clone()));
        }
        if ceremony.share == *share {
            return Err(Refusal::SameShare);
        }
        Ok((KeyVersion(ceremony.number), &ceremony.share))
    }

    pub(crate) fn join(&mut self, by: Person, at: Timestamp, check: CheckValue) -> Result<(), Refusal> {
        let Ceremony { number, begun_by, .. } = self.ceremony.take().ok_or(Refusal::NoCeremony)?;
        let origin = Origin::Ceremony([begun_by, by]);
        self.versions.push(Version { number, check, origin, made_at: at, life: Life::Made });
        Ok(())
    }

    pub(crate) fn cancel(&mut self) -> Result<KeyVersion, Refusal> {
        self.ceremony.take().map(|ceremony| KeyVersion(ceremony.number)).ok_or(Refusal::NoCeremony)
    }

    pub(crate) fn check_empty(&self) -> Result<(), Refusal> {
        if self.versions.is_empty() && self.ceremony.is_none() { Ok(()) } else { Err(Refusal::NotEmpty) }
    }

    pub(crate) fn adopt(&mut self, by: Person, at: Timestamp, check: CheckValue) -> Result<KeyVersion, Refusal> {
        self.check_empty()?;
        self.versions.push(Version { number: 1, check, origin: Origin::Adopted(by), made_at: at, life: Life::Current });
        Ok(KeyVersion(1))
    }

    pub(crate) fn activate(
        &mut self,
        number: KeyVersion,
        now: Timestamp,
        overlap_until: Option<Timestamp>,
    ) -> Result<(), Refusal> {
        if overlap_until.is_some_and(|until| until <= now) {
            return Err(Refusal::OverlapInThePast);
        }
        if self.find(number)?.life != Life::Made {
            return Err(Refusal::NotActivatable(number));
        }
        for version in &mut self.versions {
            if version.life == Life::Current {
                version.life = Life::Accepted { until: overlap_until };
            }
        }
        self.find(number)?.life = Life::Current;
        Ok(())
    }

    pub(crate) fn retire(&mut self, number: KeyVersion, by: Person, at: Timestamp) -> Result<(), Refusal> {
        let version = self.find(number)?;
        match version.state(at) {
            State::Current => Err(Refusal::RetiringCurrent(number)),
            State::Retired(RetiredBecause::Told { .. }) => Err(Refusal::RetiredAlready(number)),
            _ => {
                version.life = Life::Retired { by, at };
                Ok(())
            }
        }
    }

    fn find(&mut self, number: KeyVersion) -> Result<&mut Version, Refusal> {
        let found = self.versions.iter_mut().find(|version| version.number() == number);
        found.ok_or(Refusal::NoSuchVersion(number))
    }
}

impl Version {
    /// Its number, which chips keep beside each key.
    #[must_use]
    pub fn number(&self) -> KeyVersion {
        KeyVersion(self.number)
    }

    /// Which master key is its.
    #[must_use]
    pub fn master(&self) -> MasterId {
        MasterId { version: self.number(), check: self.check }
    }

    /// How its master key came to be.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// When its master key came to be, here.
    #[must_use]
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }

    /// What it is good for at that moment.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        match &self.life {
            Life::Made => State::Made,
            Life::Current => State::Current,
            Life::Accepted { until: Some(until) } if *until <= now => {
                State::Retired(RetiredBecause::OverlapEnded { at: *until })
            }
            Life::Accepted { until } => State::Accepted { until: *until },
            Life::Retired { by, at } => State::Retired(RetiredBecause::Told { by: by.clone(), at: *at }),
        }
    }
}
