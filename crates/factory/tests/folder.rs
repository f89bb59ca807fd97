//! An order on disk: resumed anywhere, refused if it is another, the same bytes always.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use factory::{Folder, FolderError, OrderCode, Request, Seed};
use tag::{KeyVersion, Uid};

/// Three reels of parts of their own (reels of 100,000 labels, two a part), so five reels make three parts.
fn request() -> Request {
    Request {
        code: Some(OrderCode::from_bits(7)),
        count: 450_001,
        reel_labels: 100_000,
        key_version: KeyVersion(3),
        public_url: "https://pay.example".to_owned(),
        seed: Some(Seed([9; 16])),
    }
}

fn small() -> Request {
    Request { count: 250, reel_labels: 100, ..request() }
}

fn prepared(path: &Path, request: &Request) -> Folder {
    let folder = Folder::prepare(path, request, [1; 20]).unwrap();
    folder.write_encoding(&mut |_| {}).unwrap();
    folder
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|end| end != "unfinished"))
        .map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn a_run_stopped_at_any_part_or_within_one_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    drop(prepared(whole.path(), &request()));
    let expected = files(&whole.path().join("encoding"));
    assert_eq!(expected.len(), 3 * 3 + 1);

    for stop_after in 1..=2 {
        let stopped = tempfile::tempdir().unwrap();
        let folder = Folder::prepare(stopped.path(), &request(), [1; 20]).unwrap();
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            folder.write_encoding(&mut |progress| assert!(progress.parts_done < stop_after, "stopped on purpose"))
        }));
        assert!(run.is_err());
        drop(folder);
        // Within the next part: a file has been renamed already, another was being written.
        let encoding = stopped.path().join("encoding");
        let next = format!("encoding-{:05}", stop_after + 1);
        fs::write(encoding.join(format!("{next}.csv")), &expected[Path::new(&format!("{next}.csv"))]).unwrap();
        fs::write(encoding.join(format!("{next}.parquet.unfinished")), b"PAR1 torn").unwrap();

        let folder =
            Folder::prepare(stopped.path(), &Request { code: None, seed: None, ..request() }, [2; 20]).unwrap();
        let written = folder.write_encoding(&mut |_| {}).unwrap();
        assert_eq!((written.parts_kept, written.parts_written, written.rows), (stop_after, 3 - stop_after, 450_001));
        assert!(files(&encoding) == expected, "stopped after {stop_after}");
    }

    // A file that the disk lost, or that somebody changed, is written again, and nothing else.
    let encoding = whole.path().join("encoding");
    let folder = Folder::open(whole.path()).unwrap();
    let csv = encoding.join("encoding-00002.csv");
    let mut changed = fs::read(&csv).unwrap();
    changed[1000] ^= 1;
    fs::write(&csv, changed).unwrap();
    let written = folder.write_encoding(&mut |_| {}).unwrap();
    assert_eq!((written.parts_kept, written.parts_written), (2, 1));
    assert!(files(&encoding) == expected);
}

#[test]
fn other_terms_a_second_process_and_a_changed_order_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path();
    assert!(matches!(Folder::open(path), Err(FolderError::NoOrder(_))));
    let folder = prepared(path, &small());
    assert!(matches!(Folder::prepare(path, &small(), [1; 20]), Err(FolderError::InUse(_))));
    drop(folder);
    for other in [
        Request { count: 251, ..small() },
        Request { reel_labels: 101, ..small() },
        Request { key_version: KeyVersion(4), ..small() },
        Request { public_url: "https://pay2.example".to_owned(), ..small() },
        Request { seed: Some(Seed([8; 16])), ..small() },
        Request { code: Some(OrderCode::from_bits(8)), ..small() },
    ] {
        assert!(matches!(Folder::prepare(path, &other, [1; 20]), Err(FolderError::OtherOrder(_))), "{other:?}");
    }
    let order = fs::read_to_string(path.join("order.json")).unwrap();
    fs::write(path.join("order.json"), order.replace("250", "249")).unwrap();
    assert!(Folder::open(path).is_ok_and(|folder| folder.write_encoding(&mut |_| {}).is_err()));
    fs::write(path.join("order.json"), order.replace("0000000000", "0000000001")).unwrap();
    assert!(matches!(Folder::open(path), Err(FolderError::Damaged(_))));
}

#[test]
fn what_is_drawn_is_drawn_once() {
    let place = tempfile::tempdir().unwrap();
    let open = Request { code: None, seed: None, ..small() };
    let first = Folder::prepare(place.path(), &open, [1; 20]).unwrap().order().clone();
    assert_eq!(first.seed(), Seed([1; 16]));
    assert_eq!(&first, Folder::prepare(place.path(), &open, [2; 20]).unwrap().order());
}

#[test]
fn the_files_say_of_each_tag_what_the_order_says() {
    let place = tempfile::tempdir().unwrap();
    let folder = prepared(place.path(), &small());
    let order = folder.order();
    let csv = fs::read_to_string(place.path().join("encoding/encoding-00001.csv")).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().map(|row| row.split(',').collect()).collect();
    assert_eq!(rows.len(), 251);
    assert_eq!(
        rows[0].join(","),
        "order,reel,position,serial,label_url,tag_url,picc_data_offset,mac_input_offset,mac_offset,key_version"
    );
    for (number, row) in (1..).zip(&rows[1..]) {
        let tag = order.tag(number).unwrap();
        assert_eq!(row[0], "000007");
        assert_eq!(row[1..3], [tag.reel.to_string(), tag.position.to_string()]);
        assert_eq!(row[3..5], [tag.serial.to_string(), format!("https://pay.example/l/{}", tag.serial)]);
        assert_eq!((row[5], &row[6..]), (&*order.template().url, &["23", "58", "58", "3"][..]));
    }
    let reels = fs::read_to_string(place.path().join("encoding/encoding-00001-reels.csv")).unwrap();
    let reels: Vec<&str> = reels.lines().collect();
    let last: Vec<&str> = reels[3].split(',').collect();
    assert_eq!((reels.len(), last[..3].to_vec(), last[6..].to_vec()), (4, vec!["3", "50", "50"], vec!["20", "0"]));
    assert_eq!(last[3..5], [rows[201][3], rows[250][3]]);
}

/// Read back by the crate's reader, which shares its format code with the writer; other readers were tried by hand.
#[test]
fn the_parquet_says_what_the_csv_says() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let place = tempfile::tempdir().unwrap();
    drop(prepared(place.path(), &small()));
    let csv = fs::read_to_string(place.path().join("encoding/encoding-00001.csv")).unwrap();
    let file = fs::File::open(place.path().join("encoding/encoding-00001.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let cells = row.get_column_iter().map(|(_, cell)| cell.to_string().trim_matches('"').to_owned());
        cells.collect::<Vec<_>>().join(",")
    });
    assert!(rows.eq(csv.lines().skip(1)));
}

fn list(path: &Path, numbers: impl Iterator<Item = u8>) -> PathBuf {
    let text: String = numbers.map(|number| format!("{}\n", Uid([4, 0, 0, 0, 0, 1, number]))).collect();
    fs::write(path, text).unwrap();
    path.to_owned()
}

#[test]
fn uids_are_imported_whole_or_not_at_all_and_bound() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path();
    let folder = prepared(path, &small());
    assert!(matches!(folder.bind(None, &mut |_| {}), Err(FolderError::NoUids)));
    assert_eq!(folder.binding().unwrap(), None);

    let [first, second] = [list(&path.join("a.txt"), 0..100), list(&path.join("b.txt"), 100..240)];
    let twice = list(&path.join("c.txt"), 50..52);
    let Err(FolderError::Problems(problems)) = folder.import_uids(&[first.clone(), twice]) else { panic!("no") };
    assert_eq!((problems.total(), problems.told()[0].row, problems.told()[0].code), (2, 1, "uid_twice"));
    assert!(!path.join("uids").exists());

    let imported = folder.import_uids(&[first.clone(), second.clone()]).unwrap();
    assert_eq!((imported.uids, imported.short), (240, 10));
    let bound = folder.bind(None, &mut |_| {}).unwrap();
    assert_eq!((bound.written.rows, bound.unbound), (240, 10));
    let binding = folder.binding().unwrap().unwrap();
    assert_eq!(binding.uid_of(1), Some(Uid([4, 0, 0, 0, 0, 1, 0])));
    assert_eq!(binding.uid_of(240), Some(Uid([4, 0, 0, 0, 0, 1, 239])));
    assert_eq!((binding.uid_of(241), binding.uid_of(0)), (None, None));
    let csv = fs::read_to_string(path.join("bound/bound-00001.csv")).unwrap();
    let serial = folder.order().tag(1).unwrap().serial;
    let row = format!("000007,1,1,{serial},04000000000100,https://pay.example/l/{serial},3");
    assert_eq!(csv.lines().nth(1), Some(&*row));

    // Another log is another binding.
    let log = path.join("log.csv");
    fs::write(&log, format!("serial,uid\n{serial},040000000001EF\n")).unwrap();
    assert!(matches!(folder.bind(Some(&log), &mut |_| {}), Err(FolderError::OtherSource(_))));
    fs::remove_dir_all(path.join("bound")).unwrap();
    assert_eq!(folder.bind(Some(&log), &mut |_| {}).unwrap().unbound, 249);
    assert_eq!(folder.binding().unwrap().unwrap().uid_of(1), Some(Uid([4, 0, 0, 0, 0, 1, 239])));
    fs::write(path.join("uids/uids.csv"), "uid\n").unwrap();
    assert!(matches!(folder.bind(Some(&log), &mut |_| {}), Err(FolderError::Damaged(_))));
}
