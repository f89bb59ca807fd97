//! Damaged tables: every answer is right, or an error that names the file. Never a wrong answer, never a panic.

use std::path::{Path, PathBuf};

use books::{Books, BooksError, Options};
use ledger_model::random::{Step, history};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use sim::{Random, seeds};

use crate::beside::{Action, Ids, Known, act, difference};
use crate::folder::Folder;

/// How much happens in the books that are damaged.
const STEPS: usize = 100;

/// Books that were closed, what they must be, and what was asked of them.
struct Whole {
    folder: Folder,
    options: Options,
    known: Known,
    asked: Vec<Action>,
}

impl Whole {
    fn new() -> Self {
        let folder = Folder::new();
        let options = Options { stretch_rows: 8, in_step: true, ..folder.options() };
        let mut books = Books::open(folder.path(), options.clone()).expect("the disk is well");
        let (mut known, mut asked) = (Known::default(), Vec::new());
        let mut runner = TestRunner::deterministic();
        for _ in 0..3 {
            let drawn = history(STEPS).new_tree(&mut runner).expect("histories are made without rejection").current();
            for step in drawn.steps {
                let action = match step {
                    Step::CreateAccounts(events) => Action::Accounts(events),
                    Step::CreateTransfers(events) => Action::Transfers(Ids::Mixed.rename(&events)),
                    Step::Tick(nanoseconds) => Action::Tick(known.clock + nanoseconds),
                    Step::Restart => continue,
                };
                assert_eq!(act(&mut books, &action).expect("the disk is well"), known.act(&action));
                asked.push(action);
            }
        }
        books.close().expect("the disk is well");
        Self { folder, options, known, asked }
    }

    fn tables(&self) -> Vec<PathBuf> {
        let tables = self.folder.path().join("tables");
        self.folder.disk().files().into_iter().filter(|path| path.starts_with(&tables)).collect()
    }

    fn contents(&self, path: &Path) -> Vec<u8> {
        self.folder.disk().contents(path).expect("a file that is there")
    }

    /// Whether damage that was done to a copy was seen; it need not be where nobody looks.
    fn is_seen(&self, what: &str, damage: impl FnOnce(&Folder)) -> bool {
        let copy = self.folder.copy(self.folder.path());
        damage(&copy);
        match self.differs(&copy) {
            Ok(None) => false,
            Ok(Some(difference)) => panic!("{what}: {difference}"),
            Err(error) => {
                assert!(error.to_string().contains("/books/tables/"), "{what}: {error}");
                true
            }
        }
    }

    /// Opens the books and asks them everything; then everything is done again that was done to them.
    fn differs(&self, folder: &Folder) -> Result<Option<String>, BooksError> {
        let options = Options { disk: folder.options().disk, ..self.options.clone() };
        let mut books = Books::open(folder.path(), options)?;
        if let Some(difference) = difference(&mut books, &self.known)? {
            return Ok(Some(difference));
        }
        let mut known = self.known.clone();
        for action in self.asked.iter().filter(|action| !matches!(action, Action::Tick(_))) {
            let (outcome, expected) = (act(&mut books, action)?, known.act(action));
            if outcome != expected {
                return Ok(Some(format!("{outcome:?} instead of {expected:?}")));
            }
        }
        Ok(None)
    }
}

#[test]
fn whole_tables_are_whole() {
    let whole = Whole::new();
    assert!(!whole.is_seen("nothing", |_| {}));
    assert!(whole.tables().len() > 20, "a manifest, rows and runs: {:?}", whole.tables());
}

#[test]
fn a_bit_is_turned_over() {
    let whole = Whole::new();
    let mut random = Random::new(5);
    let mut seen = 0;
    for path in whole.tables() {
        let bytes = whole.contents(&path).len() as u64;
        for _ in seeds(6) {
            let bit = random.below(bytes * 8);
            let what = format!("bit {bit} of {}", path.display());
            seen += usize::from(whole.is_seen(&what, |copy| assert!(copy.disk().flip_bit(&path, bit))));
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn each_byte_of_the_manifest_is_changed() {
    let whole = Whole::new();
    let path = whole.folder.path().join("tables/manifest");
    let mut random = Random::new(6);
    for byte in 0..whole.contents(&path).len() as u64 {
        let bit = byte * 8 + random.below(8);
        let what = format!("bit {bit} of the manifest");
        assert!(whole.is_seen(&what, |copy| assert!(copy.disk().flip_bit(&path, bit))), "{what}");
    }
}

#[test]
fn a_file_is_cut_or_grows() {
    let whole = Whole::new();
    for path in whole.tables() {
        let bytes = whole.contents(&path);
        for kept in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            let what = format!("{} is cut to {kept}", path.display());
            whole.is_seen(&what, |copy| copy.replace(&path, &bytes[..kept]));
        }
        let longer = [&bytes[..], &[0]].concat();
        whole.is_seen(&format!("{} grows", path.display()), |copy| copy.replace(&path, &longer));
    }
}

#[test]
fn a_file_is_lost() {
    let whole = Whole::new();
    for path in whole.tables() {
        let is_seen = whole.is_seen(&format!("{} is lost", path.display()), |copy| copy.remove(&path));
        // Without a manifest there are no tables: they are made anew.
        assert_eq!(is_seen, !path.ends_with("manifest"), "{}", path.display());
    }
}

#[test]
fn files_are_swapped() {
    let whole = Whole::new();
    for pair in whole.tables().windows(2) {
        let contents = [whole.contents(&pair[0]), whole.contents(&pair[1])];
        let is_seen = whole.is_seen(&format!("{pair:?} are swapped"), |copy| {
            copy.replace(&pair[0], &contents[1]);
            copy.replace(&pair[1], &contents[0]);
        });
        assert!(is_seen, "{pair:?}");
    }
}

#[test]
fn an_older_manifest_comes_back() {
    let whole = Whole::new();
    let path = whole.folder.path().join("tables/manifest");
    let older = whole.contents(&path);
    let options = whole.options.clone();
    let mut books = Books::open(whole.folder.path(), options).expect("the disk is well");
    let known = &mut whole.known.clone();
    for action in &whole.asked {
        let action = match action {
            Action::Tick(_) => continue,
            Action::Transfers(events) => Action::Transfers(Ids::Random.rename(events)),
            accounts => accounts.clone(),
        };
        assert_eq!(act(&mut books, &action).expect("the disk is well"), known.act(&action));
    }
    books.close().expect("the disk is well");
    let after = Whole { known: known.clone(), asked: Vec::new(), ..whole };
    // Its runs may be gone by now. Where they are not, the journal brings what is missing.
    after.is_seen("an older manifest", |copy| copy.replace(&path, &older));
}
