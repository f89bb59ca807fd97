//! `tapstone tag factory` as a process: an order from its beginning to its delivery.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn factory(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapstone"));
    command.current_dir(folder).args(["tag", "factory"]).args(arguments).output().unwrap()
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = factory(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(folder: &Path, code: i32, arguments: &[&str]) -> String {
    let output = factory(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

const ORDER: [&str; 8] =
    ["--count", "250", "--reel-labels", "100", "--public-url", "https://pay.example", "--out", "spring"];

#[test]
fn an_order_goes_from_purchase_to_delivery() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    assert!(done(place, &ORDER).contains("3 reels, 250 rows in 1 new and 0 kept parts"));
    assert!(done(place, &ORDER).contains("0 new and 1 kept"));
    let other = ["--count", "251", "--public-url", "https://pay.example", "--out", "spring"];
    assert!(refused(place, 2, &other).contains("other terms"));
    refused(place, 2, &["--count", "0", "--public-url", "https://pay.example", "--out", "none"]);
    refused(place, 2, &["--count", "10", "--out", "none"]);
    refused(place, 2, &["bind", "--out", "none"]);

    assert!(refused(place, 2, &["bind", "--out", "spring"]).contains("import-uids"));
    fs::write(place.join("wrong.txt"), "04A1B2C3D4E500\n08123456\n").unwrap();
    assert!(refused(place, 1, &["import-uids", "--out", "spring", "wrong.txt"]).contains("file 1, row 2: "));
    let uid = |number: usize| format!("04A1B2C3D4{:04X}", number);
    fs::write(place.join("uids.txt"), (1..=250).map(|number| uid(number) + "\n").collect::<String>()).unwrap();
    assert_eq!(done(place, &["import-uids", "--out", "spring", "uids.txt"]), "250 UIDs; 0 labels will have none\n");
    assert!(done(place, &["bind", "--out", "spring"]).ends_with("; 0 labels have no UID\n"));

    let csv = fs::read_to_string(place.join("spring/bound/bound-00001.csv")).unwrap();
    let serials: Vec<&str> = csv.lines().skip(1).filter_map(|row| row.split(',').nth(3)).collect();
    let sample = done(place, &["sample", "--out", "spring"]);
    assert_eq!(sample.lines().count(), 1 + 3 * 20);
    let mut readings = String::new();
    for serial in sample.lines().skip(1).filter_map(|row| row.split(',').nth(2)) {
        let place = serials.iter().position(|known| *known == serial).unwrap();
        readings.push_str(&format!(
            "{{\"valid\":true,\"uid\":\"{}\",\"counter\":1,\"file_data_hex\":null}}\n",
            uid(place + 1)
        ));
    }
    fs::write(place.join("readings.jsonl"), &readings).unwrap();
    let verdicts = done(place, &["check", "--out", "spring", "readings.jsonl"]);
    assert_eq!(verdicts.lines().nth(3), Some("3,20,0,20,0,0,accept"));
    fs::write(place.join("readings.jsonl"), readings.lines().skip(1).collect::<Vec<_>>().join("\n")).unwrap();
    assert!(refused(place, 1, &["check", "--out", "spring", "readings.jsonl"]).contains("not all reels"));

    fs::write(place.join("delivery.csv"), csv.replace("position", "where")).unwrap();
    let reconcile = ["reconcile", "--out", "spring", "--report", "breaks.csv", "delivery.csv"];
    assert_eq!(done(place, &reconcile), "ordered 250, delivered rows 250, right 250, missing 0\n");
    fs::write(place.join("delivery.csv"), csv.lines().take(250).collect::<Vec<_>>().join("\n")).unwrap();
    assert!(refused(place, 1, &reconcile).contains("breaks.csv"));
    let breaks = fs::read_to_string(place.join("breaks.csv")).unwrap();
    assert_eq!(breaks.lines().nth(1), Some(&*format!(",,missing,{},3,\"the label is in no delivery\"", serials[249])));

    assert!(done(place, &["label", "--out", "spring", "--serial", serials[0]]).starts_with("<svg"));
    assert!(refused(place, 2, &["label", "--out", "spring", "--serial", "000000000011"]).contains("check character"));
}
