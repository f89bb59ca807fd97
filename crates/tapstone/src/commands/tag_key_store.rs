//! `tapstone tag key-store`: master keys with versions, and the ceremony that makes one.

use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use engine::{Clock, SystemClock};
use keystore::{
    Argon2Cost, AuditLog, Deed, KeyStore, KeyStoreError, Lock, MasterKeys, Passphrase, Person, RetiredBecause, Share,
    State, Timestamp,
};
use keystore_pkcs11::Module;
use tag::{KeyVersion, Uid};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::world::UidText;
use crate::{hexadecimal, output};

const STORE_FILE: &str = "tag-keys.store";
const AUDIT_FILE: &str = "tag-keys.audit";
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// The store's subcommands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a new store, with no key in it yet.
    Init(Place),
    /// Say which versions there are, and what each is good for.
    Status(Place),
    /// Begin the ceremony of a new master key, as the first of two people.
    Begin(ShareArguments),
    /// End the ceremony, as the second of two people: the master key is made.
    Join(ShareArguments),
    /// Forget the ceremony that is under way.
    Cancel(PersonArguments),
    /// Personalise tags with a version from now on; the one before it is accepted for some time.
    Activate(ActivateArguments),
    /// Refuse tags of a version from now on.
    Retire(VersionArguments),
    /// Take the key in tag-master.key into the store, as version 1.
    Adopt(PersonArguments),
    /// Print the keys of one chip, of the current version, and write down who got them.
    Keys(KeysArguments),
}

/// Where the store is and what opens it. Without a key file a passphrase is asked for: one line on standard input.
#[derive(Args)]
pub(crate) struct Place {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// A file with 64 hexadecimal digits that opens the store in place of a passphrase.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The library of a hardware module (PKCS #11) that has the master keys.
    #[arg(long, value_name = "FILE", requires_all = ["token", "pin_file"])]
    module: Option<PathBuf>,
    /// The label of the module's token.
    #[arg(long, value_name = "LABEL", requires = "module")]
    token: Option<String>,
    /// A file with the PIN of the token's user.
    #[arg(long, value_name = "FILE", requires = "module")]
    pin_file: Option<PathBuf>,
}

/// Who does it.
#[derive(Args)]
pub(crate) struct PersonArguments {
    #[command(flatten)]
    place: Place,
    /// Who does this, for the record.
    #[arg(long, value_name = "NAME")]
    by: Person,
}

/// Whose share, and where it is.
#[derive(Args)]
pub(crate) struct ShareArguments {
    #[command(flatten)]
    person: PersonArguments,
    /// A file with a share of one's own, 32 hexadecimal digits. Without it one is made and shown, once.
    #[arg(long, value_name = "FILE")]
    share_file: Option<PathBuf>,
}

/// Which version.
#[derive(Args)]
pub(crate) struct VersionArguments {
    #[command(flatten)]
    person: PersonArguments,
    /// The version.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..))]
    version: u8,
}

/// Which version, and how long the one before it is accepted.
#[derive(Args)]
pub(crate) struct ActivateArguments {
    #[command(flatten)]
    version: VersionArguments,
    /// For how many days tags of the version before are accepted; without it until somebody retires it.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    overlap_days: Option<u16>,
}

/// Whose keys.
#[derive(Args)]
pub(crate) struct KeysArguments {
    #[command(flatten)]
    person: PersonArguments,
    /// The chip's UID: 14 hexadecimal digits that begin with 04.
    #[arg(long)]
    uid: UidText,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let now = Timestamp(SystemClock.now().0);
    match command {
        Command::Init(place) => init(place),
        Command::Status(place) => status(&place.open()?, now),
        Command::Begin(arguments) => begin(arguments, now),
        Command::Join(arguments) => join(arguments, now),
        Command::Cancel(arguments) => cancel(arguments, now),
        Command::Activate(arguments) => activate(arguments, now),
        Command::Retire(arguments) => retire(arguments, now),
        Command::Adopt(arguments) => adopt(arguments, now),
        Command::Keys(arguments) => keys(&arguments.person, arguments.uid.0, now),
    }
}

fn init(place: &Place) -> Result<(), Failure> {
    let path = place.store_path();
    KeyStore::create(&path, &place.lock()?, Argon2Cost::default(), place.module()?, random()).map_err(failure)?;
    let path = path.display();
    eprintln!("{path} is ready and has no key yet: keep a copy of it elsewhere, after each change.");
    eprintln!("Next: two people, `tapstone tag key-store begin` and `join`; or `adopt` the key in tag-master.key.");
    Ok(())
}

fn status(store: &KeyStore, now: Timestamp) -> Result<(), Failure> {
    let checks: Vec<_> = store.register().versions().iter().map(|version| version.master()).collect();
    for (version, state) in store.register().states(now) {
        let check = checks.iter().find(|master| master.version == version).map(|master| master.check.to_string());
        let check = check.unwrap_or_else(|| "------".to_owned());
        output::print(&format!("version {version:<4} {check}  {}\n", describe(&state)))?;
    }
    Ok(())
}

fn describe(state: &State) -> String {
    match state {
        State::Pending { begun_by } => format!("pending: {begun_by} has begun, another person must join"),
        State::Made => "made: activate it".to_owned(),
        State::Current => "current: tags are personalised with it".to_owned(),
        State::Accepted { until: None } => "accepted until it is retired".to_owned(),
        State::Accepted { until: Some(until) } => format!("accepted until {}", seconds(*until)),
        State::Retired(RetiredBecause::OverlapEnded { at }) => format!("retired: its overlap ended {}", seconds(*at)),
        State::Retired(RetiredBecause::Told { by, at }) => format!("retired by {by} {}", seconds(*at)),
    }
}

/// As `date -d @…` takes it.
fn seconds(moment: Timestamp) -> String {
    format!("@{}", moment.0 / 1_000)
}

fn begin(arguments: &ShareArguments, now: Timestamp) -> Result<(), Failure> {
    let person = &arguments.person;
    let (mut store, mut audit) = person.open()?;
    let share = arguments.share()?;
    let version = store.begin(person.by.clone(), now, share.clone()).map_err(failure)?;
    audit.record(now, &person.by, version, Deed::Begin)?;
    arguments.show(&share)?;
    eprintln!("Version {version} waits for another person: `tapstone tag key-store join`.");
    Ok(())
}

fn join(arguments: &ShareArguments, now: Timestamp) -> Result<(), Failure> {
    let person = &arguments.person;
    let (mut store, mut audit) = person.open()?;
    let share = arguments.share()?;
    let joined = store.join(person.by.clone(), now, &share).map_err(failure)?;
    audit.record(now, &person.by, joined.version, Deed::Join(joined.check))?;
    arguments.show(&share)?;
    output::print(&format!("version {}  check value {}\n", joined.version, joined.check))?;
    eprintln!(
        "Both write down this check value, then: `tapstone tag key-store activate --version {}`.",
        joined.version
    );
    Ok(())
}

fn cancel(person: &PersonArguments, now: Timestamp) -> Result<(), Failure> {
    let (mut store, mut audit) = person.open()?;
    let version = store.cancel().map_err(failure)?;
    audit.record(now, &person.by, version, Deed::Cancel)?;
    eprintln!("The ceremony of version {version} is cancelled; its share is worth nothing any more.");
    Ok(())
}

fn activate(arguments: &ActivateArguments, now: Timestamp) -> Result<(), Failure> {
    let (person, version) = (&arguments.version.person, KeyVersion(arguments.version.version));
    let until = arguments.overlap_days.map(|days| Timestamp(now.0 + u64::from(days) * DAY));
    let (mut store, mut audit) = person.open()?;
    store.activate(version, now, until).map_err(failure)?;
    audit.record(now, &person.by, version, Deed::Activate)?;
    status(&store, now)
}

fn retire(arguments: &VersionArguments, now: Timestamp) -> Result<(), Failure> {
    let (person, version) = (&arguments.person, KeyVersion(arguments.version));
    let (mut store, mut audit) = person.open()?;
    store.retire(version, person.by.clone(), now).map_err(failure)?;
    audit.record(now, &person.by, version, Deed::Retire)?;
    status(&store, now)
}

fn adopt(person: &PersonArguments, now: Timestamp) -> Result<(), Failure> {
    let (mut store, mut audit) = person.open()?;
    let master = DataFolder(&person.place.data).tag_master_key()?;
    let check = store.adopt(person.by.clone(), now, &master).map_err(failure)?;
    audit.record(now, &person.by, KeyVersion(1), Deed::Adopt(check))?;
    eprintln!("Version 1 is the key in tag-master.key, which `tapstone serve` still reads: leave it there.");
    status(&store, now)
}

fn keys(person: &PersonArguments, uid: Uid, now: Timestamp) -> Result<(), Failure> {
    let (store, mut audit) = person.open()?;
    let keys = store.personalise(uid, &person.by, now, &mut audit).map_err(failure)?;
    eprintln!("These keys are secret: whoever has them can forge this tag. Key 1 is the same in all tags.");
    let meta_read = Zeroizing::new(hexadecimal::encode(keys.meta_read.expose()));
    let file_read = Zeroizing::new(hexadecimal::encode(keys.file_read.expose()));
    output::print(&format!(
        "\
UID                       {uid}
key version               {version}
key 1, for SDMMetaRead    {meta_read}
key 2, for SDMFileRead    {file_read}
",
        version = keys.version,
        meta_read = *meta_read,
        file_read = *file_read,
    ))?;
    Ok(())
}

impl PersonArguments {
    fn open(&self) -> Result<(KeyStore, AuditLog), Failure> {
        Ok((self.place.open()?, AuditLog::open(&self.place.data.join(AUDIT_FILE))?))
    }
}

impl ShareArguments {
    /// The person's own share, or a new one.
    fn share(&self) -> Result<Share, Failure> {
        match &self.share_file {
            Some(path) => {
                let usage = |error| Failure::Usage(format!("{}: {error}", path.display()));
                secret_file(path)?.parse().map_err(usage)
            }
            None => {
                let mut bytes = Zeroizing::new([0; 16]);
                getrandom::fill(&mut *bytes)?;
                Ok(Share::from_random(*bytes))
            }
        }
    }

    /// Shows a share that was made here, and the check value of one that was not.
    fn show(&self, share: &Share) -> Result<(), Failure> {
        let check = share.check();
        if self.share_file.is_none() {
            eprintln!("Your share follows. It is not shown again; nobody else may see it.");
            let text = Zeroizing::new(format!("{}\n", *share.expose()));
            output::print(&text)?;
        }
        eprintln!("Your share's check value is {check}.");
        Ok(())
    }
}

impl Place {
    fn store_path(&self) -> PathBuf {
        self.data.join(STORE_FILE)
    }

    fn open(&self) -> Result<KeyStore, Failure> {
        KeyStore::open(&self.store_path(), &self.lock()?, self.module()?, random()).map_err(failure)
    }

    fn lock(&self) -> Result<Lock, Failure> {
        if let Some(path) = &self.key_file {
            let text = secret_file(path)?;
            let digits = text.lines().find(|line| !line.starts_with('#')).unwrap_or_default().trim();
            let wrong = || Failure::Usage(format!("{} must hold 64 hexadecimal digits", path.display()));
            return Ok(Lock::KeyFile(Zeroizing::new(hexadecimal::decode(digits).ok_or_else(wrong)?)));
        }
        if io::stdin().is_terminal() {
            eprintln!("The store's passphrase, which will be seen here as it is typed:");
        }
        let mut line = Zeroizing::new(String::with_capacity(1024));
        io::stdin().read_line(&mut line)?;
        Ok(Lock::Passphrase(Passphrase::new(&line).map_err(|error| Failure::Usage(error.to_string()))?))
    }

    fn module(&self) -> Result<Option<Arc<dyn MasterKeys>>, Failure> {
        let (Some(library), Some(token), Some(pin)) = (&self.module, &self.token, &self.pin_file) else {
            return Ok(None);
        };
        let pin = secret_file(pin)?;
        Ok(Some(Arc::new(Module::open(library, token, pin.trim_end())?)))
    }
}

/// The text of a file that only its owner may read.
fn secret_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |error: io::Error| Failure::Fault(format!("cannot read {}: {error}", path.display()));
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        let path = path.display();
        return Err(Failure::Fault(format!("others may read {path}, which is secret: run `chmod 600 {path}`")));
    }
    Ok(Zeroizing::new(fs::read_to_string(path).map_err(failed)?))
}

fn random() -> keystore::Randomness {
    Box::new(|bytes| getrandom::fill(bytes).map_err(io::Error::other))
}

fn failure(error: KeyStoreError) -> Failure {
    if error.is_refusal() { Failure::Usage(error.to_string()) } else { Failure::Fault(error.to_string()) }
}
