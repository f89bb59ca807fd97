//! Backups of journals and ledgers, and the way back. Platforms are backed up in the tests of the binary.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::num::{NonZeroU32, NonZeroU64};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use backup::{BackupError, Kind, Options, back_up, restore};
use books::Books;
use journal::{Anchor, FrameBuffer, Journal, JournalError, JournalId, JournalWriter, WriterOptions};
use ledger::{Account, AccountFlags, Transfer, TransferFlags};
use tempfile::TempDir;

const ID: JournalId = JournalId::from_bytes(*b"0123456789abcdef");
const OPTIONS: Options = Options { taken_at_ms: 1_795_350_600_000, without_keys: false, gently: false };

fn writer(folder: &Path, segment_bytes: u64) -> JournalWriter {
    fs::create_dir_all(folder).unwrap();
    let options = WriterOptions { segment_bytes, ..WriterOptions::new(ID) };
    Journal::new(folder.join("journal")).writer(options).unwrap().0
}

fn append(writer: &mut JournalWriter, count: u32, payload: &[u8]) -> Anchor {
    let mut frame = FrameBuffer::new();
    frame.extend_from_slice(payload);
    writer.append(NonZeroU32::new(count).unwrap(), &mut frame).unwrap().anchor()
}

/// Twelve frames of 1 to 4 events and up to 3 KB, in several segments. Gives where each ends.
fn small_journal(folder: &Path) -> Vec<Anchor> {
    let mut writer = writer(folder, 4096);
    let payload = |n: u32| vec![u8::try_from(n).unwrap() + 1; 300 * (n as usize % 11) + 1];
    (0..12).map(|n| append(&mut writer, n % 4 + 1, &payload(n))).collect()
}

struct Case {
    temporary: TempDir,
}

impl Case {
    fn new() -> Self {
        Self { temporary: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    /// What is there besides what these tests name.
    fn unfinished(&self) -> Vec<String> {
        let names = fs::read_dir(self.temporary.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.starts_with('.')).collect()
    }
}

/// Every file of the journal, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name != "lock")
        .collect();
    files.sort();
    files
}

fn position(position: u64) -> Option<NonZeroU64> {
    Some(NonZeroU64::new(position).unwrap())
}

#[test]
fn what_is_restored_is_the_same_byte_for_byte() {
    let case = Case::new();
    let anchors = small_journal(&case.path("data"));
    let before = files(&case.path("data"));
    assert!(before.len() > 3, "{} segments", before.len());
    let taken = back_up(&case.path("data"), &case.path("a.tar"), OPTIONS).unwrap();
    assert_eq!((taken.kind, taken.journal_id, taken.end), (Kind::Ledger, ID, *anchors.last().unwrap()));
    assert_eq!(taken.bytes, fs::metadata(case.path("a.tar")).unwrap().len());
    assert_eq!(fs::metadata(case.path("a.tar")).unwrap().permissions().mode() & 0o777, 0o600);
    let restored = restore(&case.path("a.tar"), &case.path("new"), None).unwrap();
    assert_eq!((restored.end, restored.backed_up_to), (taken.end, taken.end.position));
    assert_eq!(files(&case.path("new")), before);
    assert_eq!(files(&case.path("data")), before, "the source is as it was");
    assert_eq!(fs::metadata(case.path("new")).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(case.unfinished().is_empty());
    assert_eq!(append(&mut writer(&case.path("new"), 4096), 1, b"next").position, taken.end.position + 1);
}

#[test]
fn any_tar_reads_it() {
    let case = Case::new();
    small_journal(&case.path("data"));
    back_up(&case.path("data"), &case.path("a.tar"), OPTIONS).unwrap();
    fs::create_dir(case.path("unpacked")).unwrap();
    let mut archive = tar::Archive::new(fs::File::open(case.path("a.tar")).unwrap());
    archive.unpack(case.path("unpacked")).unwrap();
    assert_eq!(files(&case.path("unpacked")), files(&case.path("data")));
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(case.path("unpacked/manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["format"], &manifest["version"]), (&"tapstone backup".into(), &2.into()));
    assert_eq!((&manifest["kind"], &manifest["journal"]["position"]), (&"ledger".into(), &30.into()));
}

#[test]
fn each_position_restores_the_last_whole_frame_before_it() {
    let case = Case::new();
    let anchors = small_journal(&case.path("data"));
    let all: Vec<u8> = files(&case.path("data")).into_iter().flat_map(|(_, bytes)| bytes).collect();
    back_up(&case.path("data"), &case.path("a.tar"), OPTIONS).unwrap();
    for asked in 1..=anchors.last().unwrap().position {
        let new = case.path(&format!("new-{asked}"));
        let expected = anchors.iter().rev().find(|anchor| anchor.position <= asked).unwrap();
        let restored = restore(&case.path("a.tar"), &new, position(asked)).unwrap();
        assert_eq!((restored.end, restored.backed_up_to), (*expected, 30));
        let verified = Journal::new(new.join("journal")).verify(Some(*expected)).unwrap();
        assert_eq!((verified.end, verified.unfinished), (*expected, None));
        let kept: Vec<u8> = files(&new).into_iter().flat_map(|(_, bytes)| bytes).collect();
        assert!(all.starts_with(&kept), "a prefix at {asked}");
        assert_eq!(append(&mut writer(&new, 4096), 1, b"another future").position, expected.position + 1);
    }
}

#[test]
fn a_position_outside_is_refused() {
    let case = Case::new();
    let mut writer = writer(&case.path("data"), 4096);
    append(&mut writer, 5, b"five at once");
    back_up(&case.path("data"), &case.path("a.tar"), OPTIONS).unwrap();
    let refused = |asked| restore(&case.path("a.tar"), &case.path("new"), position(asked)).unwrap_err();
    assert!(matches!(refused(6), BackupError::PositionBeyondEnd { asked: 6, last: 5, .. }));
    assert!(matches!(refused(4), BackupError::PositionBeforeFirst { asked: 4, first: 5, .. }));
    assert!(refused(6).is_callers_fault() && refused(4).is_callers_fault());
    assert!(!case.path("new").exists() && case.unfinished().is_empty());
}

#[test]
fn an_empty_journal_and_one_of_version_1_come_back() {
    let case = Case::new();
    drop(writer(&case.path("empty"), 4096));
    let old = case.path("old/journal");
    fs::create_dir_all(&old).unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../journal/tests/golden/journal-v1");
    for file in fs::read_dir(golden).unwrap().map(|entry| entry.unwrap()) {
        fs::copy(file.path(), old.join(file.file_name())).unwrap();
    }
    for name in ["empty", "old"] {
        let file = case.path(&format!("{name}.tar"));
        let taken = back_up(&case.path(name), &file, OPTIONS).unwrap();
        let new = case.path(&format!("{name}-new"));
        assert_eq!(restore(&file, &new, None).unwrap().end, taken.end);
        let (restored, before) = (files(&new), files(&case.path(name)));
        // A last segment without frames need not come along.
        assert!(before.starts_with(&restored) && before.len() <= restored.len() + 1, "{name}");
        assert_eq!(Journal::new(new.join("journal")).verify(None).unwrap().journal_id, taken.journal_id);
    }
}

/// A state of a ledger that shows every difference that matters here.
fn state_of(books: &mut Books) -> (Vec<Account>, Vec<Transfer>, u64) {
    let (accounts, transfers): (Vec<u128>, Vec<u128>) = ((1..=4).collect(), (100..200).collect());
    (books.lookup_accounts(&accounts).unwrap(), books.lookup_transfers(&transfers).unwrap(), books.clock())
}

#[test]
fn invariant_08_a_restored_ledger_equals_the_fold_of_its_prefix() {
    let case = Case::new();
    let data = case.path("data");
    let options = || books::Options { segment_bytes: 4096, stretch_rows: 8, ..books::Options::default() };
    let mut books = Books::open(&data, options()).unwrap();
    let end = || Journal::new(data.join("journal")).verify(None).unwrap().end.position;
    let accounts: Vec<_> = (1..=4)
        .map(|id| Account { id, ledger: 978, code: 1, flags: AccountFlags::HISTORY, ..Account::default() })
        .collect();
    books.create_accounts(&accounts).unwrap();
    let mut states = vec![(end(), state_of(&mut books))];
    for step in 0..20u128 {
        let flags = if step % 3 == 1 { TransferFlags::PENDING } else { TransferFlags::empty() };
        let transfer = |n: u128| Transfer {
            id: 100 + step * 3 + n,
            debit_account_id: 1 + (step + n) % 4,
            credit_account_id: 1 + (step + n + 1) % 4,
            amount: 10 + u64::try_from(step).unwrap(),
            ledger: 978,
            code: 1,
            flags,
            timeout: if flags.is_empty() { 0 } else { 2 },
            ..Transfer::default()
        };
        books.create_transfers(&[transfer(0), transfer(1), transfer(2)]).unwrap();
        states.push((end(), state_of(&mut books)));
        books.tick(u64::try_from(step + 1).unwrap() * 1_000_000_000).unwrap();
        states.push((end(), state_of(&mut books)));
    }
    back_up(&data, &case.path("a.tar"), OPTIONS).unwrap();
    books.close().unwrap();
    for (index, (position, expected)) in states.iter().enumerate() {
        let new = case.path(&format!("new-{index}"));
        let restored = restore(&case.path("a.tar"), &new, NonZeroU64::new(*position)).unwrap();
        assert_eq!(restored.end.position, *position);
        assert!(!new.join("tables").exists());
        let mut books = Books::open(&new, options()).unwrap();
        assert_eq!(state_of(&mut books), *expected, "at {position}");
    }
}

#[test]
fn whatever_was_durable_when_it_began_is_in_it_while_the_writer_goes_on() {
    let case = Case::new();
    let data = case.path("data");
    // Small segments and frames of all sizes: every kind of border is passed while it is being written.
    let mut writer = writer(&data, 1 << 14);
    let (durable, stop) = (AtomicU64::new(append(&mut writer, 1, b"first").position), AtomicBool::new(false));
    thread::scope(|scope| {
        let _stop = SetAtEnd(&stop);
        scope.spawn(|| {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                n += 1;
                let end = append(&mut writer, 1 + n % 3, &vec![0x37; n as usize * 7919 % 6_000]);
                durable.store(end.position, Ordering::SeqCst);
            }
        });
        for n in 0..15 {
            let (file, new) = (case.path(&format!("{n}.tar")), case.path(&format!("new-{n}")));
            let before = durable.load(Ordering::SeqCst);
            let taken = back_up(&data, &file, OPTIONS).unwrap();
            let restored = restore(&file, &new, None).unwrap();
            assert!(restored.end == taken.end && taken.end.position >= before, "{taken:?} {before}");
        }
    });
}

/// Lets the other thread end, however this one does.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_damaged_journal_gives_no_backup_and_says_where() {
    let case = Case::new();
    small_journal(&case.path("data"));
    let segments = files(&case.path("data"));
    for (name, bytes) in &segments[..segments.len() - 1] {
        let path = case.path("data/journal").join(name);
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 2] ^= 1;
        fs::write(&path, damaged).unwrap();
        let refused = back_up(&case.path("data"), &case.path("a.tar"), OPTIONS).unwrap_err();
        let BackupError::Journal(JournalError::Damaged { file, .. }) = &refused else { panic!("{refused}") };
        assert_eq!(*file, path);
        assert!(!case.path("a.tar").exists() && case.unfinished().is_empty());
        fs::write(&path, bytes).unwrap();
    }
    fs::remove_file(case.path("data/journal").join(&segments[1].0)).unwrap();
    let refused = back_up(&case.path("data"), &case.path("a.tar"), OPTIONS).unwrap_err();
    assert!(matches!(refused, BackupError::Journal(JournalError::MissingSegment { .. })), "{refused}");
}

#[test]
fn nothing_is_replaced() {
    let case = Case::new();
    small_journal(&case.path("data"));
    let file = case.path("a.tar");
    back_up(&case.path("data"), &file, OPTIONS).unwrap();
    let before = fs::read(&file).unwrap();
    let refused = back_up(&case.path("data"), &file, OPTIONS).unwrap_err();
    assert!(matches!(refused, BackupError::FileExists { .. }) && refused.is_callers_fault());
    assert_eq!(fs::read(&file).unwrap(), before);
    symlink("nowhere", case.path("link.tar")).unwrap();
    let refused = back_up(&case.path("data"), &case.path("link.tar"), OPTIONS).unwrap_err();
    assert!(matches!(refused, BackupError::FileExists { .. }));

    for name in ["full", "a.tar"] {
        fs::create_dir_all(case.path("full/something")).unwrap();
        let refused = restore(&file, &case.path(name), None).unwrap_err();
        assert!(matches!(refused, BackupError::FolderExists { .. }) && refused.is_callers_fault(), "{refused}");
    }
    fs::create_dir(case.path("empty")).unwrap();
    restore(&file, &case.path("empty"), None).unwrap();
    assert_eq!(files(&case.path("empty")), files(&case.path("data")));
    assert!(case.unfinished().is_empty());
}

#[test]
fn what_is_missing_is_said() {
    let case = Case::new();
    let refused = |name: &str| back_up(&case.path(name), &case.path("a.tar"), OPTIONS).unwrap_err();
    assert!(matches!(refused("nowhere"), BackupError::NoJournal { .. }));
    fs::create_dir_all(case.path("begun/journal")).unwrap();
    assert!(matches!(refused("begun"), BackupError::NoJournal { .. }));
    small_journal(&case.path("data"));
    fs::write(case.path("data/tag-master.key"), "").unwrap();
    let BackupError::Incomplete { path, .. } = refused("data") else { panic!() };
    assert_eq!(path, case.path("data/directory.sqlite"), "it had one, or it would have no key");
    let nowhere = back_up(&case.path("begun"), &case.path("no/where/a.tar"), OPTIONS).unwrap_err();
    assert!(matches!(nowhere, BackupError::Io { .. }), "{nowhere}");
    assert!(!case.path("a.tar").exists());
}

#[test]
fn invariant_08_no_changed_byte_of_a_backup_is_restored() {
    let case = Case::new();
    let mut writer = writer(&case.path("data"), 2048);
    for n in 0..4 {
        append(&mut writer, 1, &vec![n; 400]);
    }
    drop(writer);
    back_up(&case.path("data"), &case.path("a.tar"), OPTIONS).unwrap();
    let (whole, expected) = (fs::read(case.path("a.tar")).unwrap(), files(&case.path("data")));
    let (file, new) = (case.path("changed.tar"), case.path("new"));
    let mut refused = 0;
    // Each byte that says something, and some of those that only fill up.
    for at in (0..whole.len()).filter(|&at| whole[at] != 0 || at % 61 == 0) {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        fs::write(&file, changed).unwrap();
        match restore(&file, &new, None) {
            Ok(_) => {
                assert!(files(&new) == expected, "byte {at}");
                fs::remove_dir_all(&new).unwrap();
            }
            Err(_) => refused += 1,
        }
        assert!(!new.exists());
    }
    let in_the_journal = expected.iter().flat_map(|(_, bytes)| bytes).filter(|&&byte| byte != 0).count();
    assert!(refused > in_the_journal, "{refused} of {}", whole.len());
    assert_eq!(case.unfinished(), Vec::<String>::new());
}

#[test]
fn a_backup_that_was_cut_off_is_not_restored() {
    let case = Case::new();
    small_journal(&case.path("data"));
    back_up(&case.path("data"), &case.path("a.tar"), OPTIONS).unwrap();
    let whole = fs::read(case.path("a.tar")).unwrap();
    let manifest = whole.windows(13).position(|window| window == b"manifest.json").unwrap();
    let content_end = whole.iter().rposition(|&byte| byte == b'}').unwrap();
    for length in (0..whole.len()).step_by(97).chain([1, 511, 512, 513, manifest, manifest + 512, content_end]) {
        fs::write(case.path("cut.tar"), &whole[..length]).unwrap();
        match restore(&case.path("cut.tar"), &case.path("new"), None) {
            Err(BackupError::NotABackup { .. }) => assert!(length < 512, "{length}"),
            Err(BackupError::CutOff { .. }) => assert!(length >= 512, "{length}"),
            Err(other) => panic!("{length}: {other}"),
            Ok(_) => {
                assert!(length > content_end, "{length}");
                fs::remove_dir_all(case.path("new")).unwrap();
            }
        }
    }
}

/// What an archive holds: names and contents.
type Members = Vec<(String, Vec<u8>)>;

/// An archive of these members, with true headers.
fn archive(path: &Path, members: &[(&str, &[u8])]) {
    let mut builder = tar::Builder::new(fs::File::create(path).unwrap());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.finish().unwrap();
}

#[test]
fn what_is_no_backup_or_newer_is_told_apart() {
    let case = Case::new();
    let file = case.path("a.tar");
    let refused = || restore(&file, &case.path("new"), None).unwrap_err();
    assert!(matches!(refused(), BackupError::Io { .. }), "there is none");
    for content in [&b""[..], b"a letter to my aunt", &[0; 4096], &[0x5a; 4096]] {
        fs::write(&file, content).unwrap();
        assert!(matches!(refused(), BackupError::NotABackup { .. }), "{}", refused());
    }
    archive(&file, &[("holiday.jpg", b"")]);
    assert!(matches!(refused(), BackupError::NotABackup { .. }));
    // A name that leads out of the folder, written past what the builder allows.
    let mut bytes = fs::read(&file).unwrap();
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..18].copy_from_slice(b"journal/../../boot");
    header.set_size(0);
    header.set_cksum();
    bytes[..512].copy_from_slice(header.as_bytes());
    fs::write(&file, bytes).unwrap();
    assert!(matches!(refused(), BackupError::NotABackup { .. }), "{}", refused());
    archive(&file, &[("manifest.json", br#"{"format":"something else","version":1}"#)]);
    assert!(matches!(refused(), BackupError::NotABackup { .. }), "{}", refused());
    archive(&file, &[("manifest.json", br#"{"format":"tapstone backup","version":3,"new":[]}"#)]);
    assert!(matches!(refused(), BackupError::NewerVersion { found: 3, .. }));
    archive(&file, &[("manifest.json", br#"{"format":"tapstone backup","version":1}"#)]);
    assert!(matches!(refused(), BackupError::Damaged { .. }));
    assert!(!case.path("new").exists());
}

#[test]
fn members_that_the_manifest_does_not_know_are_refused() {
    let case = Case::new();
    small_journal(&case.path("data"));
    back_up(&case.path("data"), &case.path("a.tar"), OPTIONS).unwrap();
    let mut members = Members::new();
    for entry in tar::Archive::new(fs::File::open(case.path("a.tar")).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        members.push((entry.path().unwrap().to_str().unwrap().to_owned(), bytes));
    }
    let refused = |change: &dyn Fn(&mut Members)| {
        let mut members = members.clone();
        change(&mut members);
        let members: Vec<_> = members.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
        archive(&case.path("changed.tar"), &members);
        restore(&case.path("changed.tar"), &case.path("new"), None).unwrap_err()
    };
    for error in [
        refused(&|members| drop(members.remove(1))),
        refused(&|members| members.insert(0, members[1].clone())),
        refused(&|members| members.insert(0, ("tag-master.key".to_owned(), Vec::new()))),
        refused(&|members| members[1].1.push(0)),
        refused(&|members| members.insert(0, ("journal/00000000000000000077.journal".to_owned(), Vec::new()))),
    ] {
        assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
    }
    let error = refused(&|members| members[2].1[700] ^= 1);
    assert!(matches!(error, BackupError::Journal(JournalError::Damaged { .. })), "{error}");
    assert!(!case.path("new").exists());
}
