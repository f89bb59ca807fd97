//! The journal on a disk that crashes, tears, fills up, fails and lies: what was acknowledged is there, what is there was
//! tried, in order, and the journal goes on.
//!
//! Each failure names its seed. `TAPSTONE_SEEDS=5000` tries that many seeds, as the nightly run does.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;

use journal::{
    Anchor, Appended, Damage, FrameBuffer, Journal, JournalError, JournalId, JournalWriter, Tail, WriterOptions,
};
use sim::{Crash, FaultyDisk, Operation, Random, Rates};

const ID: JournalId = JournalId::from_bytes(*b"0123456789abcdef");
const CRASHES: [Crash; 5] =
    [Crash::KeepAll, Crash::LoseAll, Crash::Break, Crash::Tear { sector: 512 }, Crash::Tear { sector: 4096 }];
const EIO: i32 = 5;

/// What one frame holds: count and payload.
type Content = (u32, Vec<u8>);

/// A journal on a faulty disk, and what it must hold.
struct Bench {
    disk: FaultyDisk,
    journal: Journal,
    options: WriterOptions,
    random: Random,
    acknowledged: Vec<Content>,
    /// What was tried last and neither acknowledged nor refused: it may be there.
    open: Option<Content>,
    /// The last acknowledged frame.
    anchor: Option<Anchor>,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let disk = FaultyDisk::new(seed);
        let mut random = Random::new(!seed);
        let journal = Journal::on_disk("/journal", Arc::new(disk.clone()));
        let options = WriterOptions { segment_bytes: 2_000 + random.below(8_000), ..WriterOptions::new(ID) };
        Self { disk, journal, options, random, acknowledged: Vec::new(), open: None, anchor: None }
    }

    fn writer(&self) -> Result<(JournalWriter, Tail), JournalError> {
        self.journal.writer(WriterOptions { expect_at_least: self.anchor, ..self.options })
    }

    /// Payloads with runs of zeros, of ones, and of anything.
    fn content(&mut self) -> Content {
        let bytes = match self.random.below(10) {
            0 => 0,
            1 => self.random.index(9_000),
            _ => self.random.index(1_500),
        };
        let mut payload = Vec::with_capacity(bytes);
        while payload.len() < bytes {
            let run = (1 + self.random.index(900)).min(bytes - payload.len());
            match self.random.below(3) {
                0 => payload.extend(std::iter::repeat_n(0, run)),
                1 => payload.extend(std::iter::repeat_n(0xff, run)),
                _ => payload.extend((0..run).map(|_| self.random.next().to_le_bytes()[0])),
            }
        }
        (1 + u32::try_from(self.random.below(3)).unwrap(), payload)
    }

    fn append(&mut self, writer: &mut JournalWriter, content: Content) -> Result<Appended, JournalError> {
        let (count, payload) = &content;
        let mut frame = FrameBuffer::new();
        frame.extend_from_slice(payload);
        let result = writer.append(NonZeroU32::new(*count).unwrap(), &mut frame);
        match &result {
            Ok(appended) => {
                self.anchor = Some(appended.anchor());
                self.acknowledged.push(content);
            }
            Err(JournalError::Full { .. }) => {}
            Err(_) => self.open = Some(content),
        }
        result
    }

    /// Opens the journal and appends, up to the first failure.
    fn work(&mut self, appends: usize) -> Result<(), JournalError> {
        let (mut writer, _) = self.writer()?;
        for _ in 0..appends {
            let content = self.content();
            self.append(&mut writer, content)?;
        }
        Ok(())
    }

    fn read(&self) -> Result<Vec<Content>, JournalError> {
        let mut reader = self.journal.reader()?;
        let mut contents = Vec::new();
        while let Some(frame) = reader.next_frame()? {
            contents.push((frame.count.get(), frame.payload.to_vec()));
        }
        Ok(contents)
    }

    /// What was acknowledged is there, and nothing else but perhaps what was tried last; and it goes on.
    fn check(&mut self) {
        if let Some(anchor) = self.anchor {
            // Before the writer puts the end in order, an auditor finds nothing to complain of either.
            self.journal.verify(Some(anchor)).unwrap();
        }
        let (mut writer, tail) = self.writer().unwrap();
        let found = self.read().unwrap();
        let survived = found.len() > self.acknowledged.len();
        let open = self.open.take().filter(|_| survived);
        self.acknowledged.extend(open);
        assert!(found == self.acknowledged, "{} frames, {} expected", found.len(), self.acknowledged.len());
        self.anchor = (tail.end.position > 0).then_some(tail.end);
        self.journal.verify(self.anchor).unwrap();
        let content = self.content();
        self.append(&mut writer, content).unwrap();
        drop(writer);
        let verified = self.journal.verify(self.anchor).unwrap();
        assert_eq!((verified.frames, verified.unfinished), (self.acknowledged.len() as u64, None));
        assert!(self.read().unwrap() == self.acknowledged);
    }
}

/// Runs a test for each seed and says which one failed.
fn for_seeds(usual: u64, test: impl Fn(u64)) {
    for seed in sim::seeds(usual) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| test(seed))) {
            eprintln!("failed with seed {seed}");
            resume_unwind(panic);
        }
    }
}

/// At every operation, each kind of crash; now and then a second one while it recovers.
#[test]
fn a_crash_at_any_operation_loses_nothing_that_was_acknowledged() {
    for_seeds(2, |seed| {
        let mut whole = Bench::new(seed);
        whole.work(12).unwrap();
        for (operation, how) in (0..whole.disk.operations()).flat_map(|at| CRASHES.map(|how| (at, how))) {
            let mut bench = Bench::new(seed);
            bench.disk.crash_at(operation);
            let error = bench.work(12).err();
            assert!(error.is_some() || operation + 1 == whole.disk.operations(), "{operation}");
            bench.disk.restart(how);
            if bench.random.per_mille(500) {
                bench.disk.crash_at(bench.disk.operations() + bench.random.below(5));
                drop(bench.writer());
                bench.disk.restart(how);
            }
            println!("operation {operation}, {how:?}");
            bench.check();
        }
    });
}

/// Everything at once, over several lives of one journal.
#[test]
fn faults_of_every_kind_lose_nothing_that_was_acknowledged() {
    for_seeds(150, |seed| {
        let mut bench = Bench::new(seed);
        bench.disk.set_can_reserve(bench.random.per_mille(700));
        for _ in 0..6 {
            let mut rate = || if bench.random.per_mille(500) { bench.random.below(200) } else { 0 };
            let rates = Rates { short_writes: rate(), write_errors: rate(), sync_errors: rate(), read_errors: 0 };
            bench.disk.set_rates(rates);
            bench.disk.set_allocates_late(bench.random.per_mille(200));
            if bench.random.per_mille(300) {
                let room = bench.random.below(30_000);
                bench.disk.set_capacity(Some(bench.disk.used() + room));
            }
            if bench.random.per_mille(500) {
                bench.disk.crash_at(bench.disk.operations() + bench.random.below(40));
            }
            drop(bench.work(12));
            bench.disk.set_capacity(None);
            if bench.disk.has_crashed() || bench.random.per_mille(500) {
                bench.disk.restart(CRASHES[bench.random.index(CRASHES.len())]);
            }
            bench.disk.crash_at(u64::MAX);
            // Otherwise the process begins anew on the same running system, which may show what the disk never got.
            bench.disk.set_rates(Rates::default());
            bench.check();
        }
    });
}

#[test]
fn a_disk_that_cannot_be_read_is_an_error_and_changes_nothing() {
    for_seeds(50, |seed| {
        let mut bench = Bench::new(seed);
        bench.work(15).unwrap();
        let before: Vec<_> = bench.disk.files().iter().map(|path| bench.disk.contents(path)).collect();
        for after in 0..20 {
            bench.disk.fail(Operation::Read, after, EIO);
            if let Err(error) = bench.read() {
                assert!(matches!(error, JournalError::Io { action: "read", .. }), "{error}");
            }
            bench.disk.restart(Crash::LoseAll);
            bench.disk.fail(Operation::Read, after, EIO);
            if let Err(error) = bench.writer() {
                assert!(matches!(error, JournalError::Io { action: "read", .. }), "{error}");
            }
            bench.disk.restart(Crash::LoseAll);
        }
        let after: Vec<_> = bench.disk.files().iter().map(|path| bench.disk.contents(path)).collect();
        assert!(before == after);
        bench.check();
    });
}

#[test]
fn a_failed_sync_ends_the_writer_and_is_made_good_by_the_next() {
    for_seeds(150, |seed| {
        let mut bench = Bench::new(seed);
        let (mut writer, _) = bench.writer().unwrap();
        bench.disk.fail(Operation::Sync, bench.random.below(10), EIO);
        let error = loop {
            let content = bench.content();
            if let Err(error) = bench.append(&mut writer, content) {
                break error;
            }
        };
        assert!(matches!(error, JournalError::Io { action: "sync", .. }), "{error}");
        let before = bench.disk.operations();
        for _ in 0..3 {
            let again = writer.append(NonZeroU32::MIN, &mut FrameBuffer::new()).unwrap_err();
            assert_eq!(again.to_string(), error.to_string());
        }
        drop(writer);
        assert_eq!(bench.disk.operations(), before, "the sync is not tried again");

        // The next writer finds the frame, as the system shows it, and must not take that for the disk.
        let (writer, tail) = bench.writer().unwrap();
        let shown = bench.read().unwrap();
        drop(writer);
        bench.disk.restart(Crash::LoseAll);
        assert!(bench.read().unwrap() == shown);
        assert_eq!(bench.journal.verify(None).unwrap().end, tail.end);
        bench.check();
    });
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    for_seeds(150, |seed| {
        let mut bench = Bench::new(seed);
        bench.disk.set_can_reserve(seed % 3 > 0);
        let (mut writer, _) = bench.writer().unwrap();
        let mut refused = 0;
        bench.disk.set_capacity(Some(30_000));
        while refused < 20 {
            let content = bench.content();
            match bench.append(&mut writer, content.clone()) {
                Ok(_) => {}
                Err(JournalError::Full { bytes, .. }) => {
                    refused += 1;
                    assert!(bytes >= 512);
                    // Reading goes on, and shows what was acknowledged and no more.
                    assert!(bench.read().unwrap() == bench.acknowledged);
                    assert_eq!(Some(writer.end()), bench.anchor);
                    let more = bench.random.below(4_000);
                    bench.disk.set_capacity(Some(bench.disk.used() + more));
                    if let Ok(()) = writer.make_room(content.1.len())
                        && seed % 3 > 0
                    {
                        bench.append(&mut writer, content).expect("there is room");
                    }
                }
                Err(error) => panic!("{error}"),
            }
        }
        bench.disk.set_capacity(None);
        let content = bench.content();
        bench.append(&mut writer, content).unwrap();
        drop(writer);
        bench.disk.restart(CRASHES[bench.random.index(CRASHES.len())]);
        bench.check();
    });
}

/// Turned over in the last frame too, and with an unfinished write behind it: never taken for something that was not
/// acknowledged.
#[test]
fn every_flipped_bit_of_what_was_acknowledged_is_found() {
    for_seeds(50, |seed| {
        let mut bench = Bench::new(seed);
        bench.work(6).unwrap();
        let ends: Vec<_> = bench.disk.files().iter().map(|path| bench.disk.contents(path).unwrap().len()).collect();
        // One more, torn, on top.
        let (mut writer, _) = bench.writer().unwrap();
        bench.disk.crash_at(bench.disk.operations() + 1 + bench.random.below(2));
        let content = bench.content();
        bench.append(&mut writer, content).unwrap_err();
        drop(writer);
        bench.disk.restart(Crash::Tear { sector: 512 });
        if bench.journal.verify(None).unwrap().end != bench.anchor.unwrap() {
            return;
        }
        for (path, end) in bench.disk.files().iter().zip(&ends) {
            for _ in 0..100 {
                let bit = bench.random.below(8 * *end as u64);
                assert!(bench.disk.flip_bit(path, bit));
                let error = bench.journal.verify(None).unwrap_err();
                assert!(matches!(error, JournalError::Damaged { .. }), "{}: bit {bit}: {error}", path.display());
                bench.disk.flip_bit(path, bit);
            }
        }
        // A writer finds it in the last segment that has frames, and changes nothing.
        let (files, Some(&end)) = (bench.disk.files(), ends.last()) else { return };
        let Some(last) = files.last().filter(|_| files.len() == ends.len()) else { return };
        for _ in 0..100 {
            let bit = bench.random.below(8 * end as u64);
            bench.disk.flip_bit(last, bit);
            let before: Vec<_> = bench.disk.files().iter().map(|path| bench.disk.contents(path)).collect();
            assert!(matches!(bench.journal.writer(bench.options).map(drop).unwrap_err(), JournalError::Damaged { .. }));
            assert!(before == bench.disk.files().iter().map(|path| bench.disk.contents(path)).collect::<Vec<_>>());
            bench.disk.flip_bit(last, bit);
        }
        bench.check();
    });
}

/// A whole segment that went missing, or its end that was never durable, is no shorter journal to who has an anchor.
#[test]
fn a_lost_directory_entry_is_found() {
    for_seeds(50, |seed| {
        let mut bench = Bench::new(seed);
        while bench.disk.files().len() < 3 {
            bench.work(5).unwrap();
        }
        let disk: Arc<dyn journal::Disk> = Arc::new(bench.disk.clone());
        let files = bench.disk.files();
        let lost = &files[bench.random.index(files.len())];
        disk.remove(lost).unwrap();
        disk.sync_directory(Path::new("/journal")).unwrap();
        let error = bench.journal.verify(bench.anchor).unwrap_err();
        let last = lost == files.last().unwrap();
        match error {
            JournalError::Shortened { .. } => assert!(last),
            JournalError::MissingSegment { .. } => assert!(!last),
            JournalError::Damaged { damage: Damage::BrokenChain, .. } => assert!(!last),
            other => panic!("{other}"),
        }
        // A writer looks at the end, and at what its anchor says.
        assert!(bench.writer().is_err() || !last);
    });
}
