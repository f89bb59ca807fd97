//! The binary, as its users meet it: folders, flags, signals, exit codes and words.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tag::diversification::{Diversifier, Purpose};
use tag::{AesKey, Uid};

use support::{Server, assert_failed, mode, run, run_in, run_in_full};

const LANTERN_TEA: &str = "mk_demo_lantern_tea";
const MEI: &str = "wt_demo_mei";
const SAM: &str = "wt_demo_sam";

#[test]
fn init_makes_a_private_folder_once() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    let first = run_in(&data, &["init"]);
    assert!(first.status.success(), "{first:?}");
    let key = String::from_utf8(first.stdout).unwrap();
    assert!(key.starts_with("op_") && key.trim().len() == 67, "only the key is on standard output: {key}");
    assert_eq!((mode(&data), mode(&data.join("tag-master.key"))), (0o700, 0o600));
    let directory = fs::read(data.join("directory.sqlite")).unwrap();
    assert!(!directory.windows(16).any(|window| window == &key.as_bytes()[3..19]), "the key is stored only hashed");

    let master_key = fs::read(data.join("tag-master.key")).unwrap();
    let again = run_in(&data, &["init"]);
    assert_failed(&again, 2, "is initialised already; nothing was changed");
    assert!(again.stdout.is_empty());
    assert_eq!(fs::read(data.join("tag-master.key")).unwrap(), master_key);

    let other = temporary.path().join("other");
    run_in(&other, &["init"]);
    assert_ne!(fs::read(other.join("tag-master.key")).unwrap(), master_key);
}

#[test]
fn init_keeps_a_key_that_was_put_there_and_refuses_strange_folders() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let key_file = data.join("tag-master.key");
    fs::write(&key_file, "00112233445566778899AABBCCDDEEFF\n").unwrap();
    assert_failed(&run_in(data, &["init"]), 1, "others may read");
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(data.join("holiday.jpg"), "").unwrap();
    assert_failed(&run_in(data, &["init"]), 2, "holds something else (holiday.jpg): use a new or empty folder");
    fs::remove_file(data.join("holiday.jpg")).unwrap();
    assert!(run_in(data, &["init"]).status.success());
    assert_eq!(fs::read_to_string(&key_file).unwrap(), "00112233445566778899AABBCCDDEEFF\n");

    fs::write(&key_file, "not a key\n").unwrap();
    assert_failed(&run_in(data, &["serve", "--listen", "127.0.0.1:0"]), 1, "must hold 32 hexadecimal digits");
    fs::remove_file(&key_file).unwrap();
    assert_failed(&run_in(data, &["serve", "--listen", "127.0.0.1:0"]), 1, "restore it from a backup");
}

#[test]
fn serve_asks_for_init_and_makes_nothing_itself() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    let refused = run_in(&data, &["serve", "--listen", "127.0.0.1:0"]);
    assert_failed(&refused, 2, "is not initialised: run `tapstone init --data ");
    assert!(!data.exists());
}

#[test]
fn a_demonstration_pays_and_comes_back() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    let server = Server::start(&data, &["--demo"]);
    assert!(server.greeting.contains("DEMONSTRATION") && server.greeting.contains(LANTERN_TEA), "{}", server.greeting);
    let (_, world) = server.get("/demo/world", None);
    assert_eq!(world["merchants"].as_array().unwrap().len(), 4);
    assert_eq!(world["wallets"].as_array().unwrap().len(), 5);
    assert_eq!(world["merchants"][0]["name_zh"], "灯笼茶");

    let counter = world["merchants"][0]["tags"][0]["id"].as_str().unwrap().to_owned();
    let (status, _) = server.pay(&counter, LANTERN_TEA, MEI, 1250, "CNY");
    assert_eq!(status, 201);
    let (_, balances) = server.get("/v1/wallets/me/balances", Some(MEI));
    assert_eq!(balances["data"][0]["available"], 800_000 - 1250);
    assert_eq!(server.stop(), Some(0));

    // The second start is quick, and does not hand out old touches or deposit anything twice.
    let begin = Instant::now();
    let server = Server::start(&data, &["--demo"]);
    let started = begin.elapsed();
    println!("second start: {started:?}");
    assert!(started < Duration::from_secs(2), "{started:?}");
    assert_eq!(server.get("/demo/world", None).1, world);
    let (_, balances) = server.get("/v1/wallets/me/balances", Some(MEI));
    assert_eq!(balances["data"][0]["available"], 800_000 - 1250);
    let (status, payment) = server.pay(&counter, LANTERN_TEA, MEI, 100, "CNY");
    assert_eq!((status, &payment["merchant"]["name"]), (201, &json!("Lantern Tea")));
    assert_eq!(server.stop(), Some(0));

    let verified = run_in(&data, &["verify"]);
    let report = String::from_utf8(verified.stdout).unwrap();
    assert!(
        verified.status.success() && report.contains("2 payments") && report.ends_with("all is well\n"),
        "{report}"
    );
}

#[test]
fn every_brand_is_paid_and_sam_shows_what_cannot_be() {
    let temporary = tempfile::tempdir().unwrap();
    let server = Server::start(&temporary.path().join("data"), &["--demo"]);
    let (_, world) = server.get("/demo/world", None);
    let tag = |merchant: usize| world["merchants"][merchant]["tags"][0]["id"].as_str().unwrap();
    for (merchant, key, currency) in
        [(1, "mk_demo_caffe_aurora", "EUR"), (2, "mk_demo_kissa_hoshi", "JPY"), (3, "mk_demo_souq_al_bahar", "KWD")]
    {
        assert_eq!(server.pay(tag(merchant), key, "wt_demo_noor", 1_500, currency).0, 201, "{currency}");
    }
    let (status, paid) = server.pay_standing(&world["merchants"][3]["tags"][1], "wt_demo_luca", 250, "KWD");
    assert_eq!((status, &paid["amount"]), (201, &json!({"amount": 250, "currency": "KWD"})));
    let (status, problem) = server.pay(tag(0), LANTERN_TEA, SAM, 301, "CNY");
    assert_eq!((status, &problem["code"]), (402, &json!("insufficient_funds")));
    let (status, problem) = server.pay(tag(2), "mk_demo_kissa_hoshi", SAM, 500, "JPY");
    assert_eq!((status, &problem["code"]), (422, &json!("currency_not_held")));
}

#[test]
fn the_greetings_example_pays() {
    let temporary = tempfile::tempdir().unwrap();
    let server = Server::start(&temporary.path().join("data"), &["--demo"]);
    let (_, example) = server.greeting.split_once("pay:\n").unwrap();
    let said = Command::new("sh").args(["-c", example]).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains(r#""status":"succeeded""#), "{example}\n{said}");
    let (_, payments) = server.get("/v1/payments", Some(MEI));
    assert_eq!(payments["data"][0]["amount"], json!({"amount": 1250, "currency": "CNY"}));
}

#[test]
fn touches_lead_to_the_public_url() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    let server = Server::start(&data, &["--demo", "--public-url", "https://pay.example/"]);
    let (_, world) = server.get("/demo/world", None);
    let tag = world["merchants"][0]["tags"][0]["id"].as_str().unwrap();
    let (_, touched) = server.post(&format!("/demo/tags/{tag}/touch"), None, &Value::Null);
    assert!(touched["url"].as_str().unwrap().starts_with("https://pay.example/t?e="), "{touched}");
}

#[test]
fn a_killed_first_start_is_finished_by_the_next() {
    for milliseconds in [5, 20, 40, 60, 90, 150] {
        let temporary = tempfile::tempdir().unwrap();
        let data = temporary.path().join("data");
        let mut killed = Server::spawn(&data, &["--demo"]);
        thread::sleep(Duration::from_millis(milliseconds));
        killed.kill().unwrap();
        killed.wait().unwrap();
        let server = Server::start(&data, &["--demo"]);
        let (_, world) = server.get("/demo/world", None);
        for wallet in world["wallets"].as_array().unwrap() {
            let (status, balances) = server.get("/v1/wallets/me/balances", wallet["token"].as_str());
            assert_eq!(status, 200);
            assert!(balances["data"].as_array().unwrap().iter().all(|balance| balance["available"] != 0));
        }
        for merchant in world["merchants"].as_array().unwrap() {
            let (status, tags) = server.get("/v1/tags", merchant["key"].as_str());
            assert_eq!(
                (status, tags["data"].as_array().unwrap().len()),
                (200, merchant["tags"].as_array().unwrap().len())
            );
        }
    }
}

#[test]
fn demonstration_and_reality_do_not_mix() {
    let temporary = tempfile::tempdir().unwrap();
    let (live, demo) = (temporary.path().join("live"), temporary.path().join("demo"));
    run_in(&live, &["init"]);
    assert_eq!(Server::start(&demo, &["--demo"]).stop(), Some(0));

    let listen = ["--listen", "127.0.0.1:0"];
    let serve = |data: &Path, more: &[&str]| run_in(data, &[&["serve"], &listen[..], more].concat());
    assert_failed(&serve(&live, &["--demo"]), 2, "is for real payments: start it without --demo");
    assert_failed(&serve(&demo, &[]), 2, "is for demonstration, its keys are published: start it with --demo");
    assert_failed(&run_in(&demo, &["init"]), 2, "is initialised already");

    // The published tag master key does not sneak in either.
    let other = temporary.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::copy(demo.join("tag-master.key"), other.join("tag-master.key")).unwrap();
    assert_failed(&run_in(&other, &["init"]), 2, "the published key of the demonstration");
    fs::copy(demo.join("tag-master.key"), live.join("tag-master.key")).unwrap();
    assert_failed(&serve(&live, &[]), 1, "the published key of the demonstration");

    // A folder with a key of its own and nothing else does not become a demonstration.
    fs::write(other.join("tag-master.key"), "00112233445566778899AABBCCDDEEFF\n").unwrap();
    assert_failed(&serve(&other, &["--demo"]), 2, "has a tag master key of its own");
}

#[test]
fn one_server_per_folder_and_port() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    let server = Server::start(&data, &["--demo"]);
    let port_taken = run_in(&temporary.path().join("other"), &["serve", "--demo", "--listen", &server.address]);
    assert_failed(&port_taken, 1, &format!("cannot listen on {}", server.address));
    assert!(!temporary.path().join("other").exists());
    let folder_taken = run_in(&data, &["serve", "--demo", "--listen", "127.0.0.1:0"]);
    assert_failed(&folder_taken, 1, "another process is using");
    let description = temporary.path().join("world.json");
    fs::write(&description, "{}").unwrap();
    assert_failed(&run_in(&data, &["import", description.to_str().unwrap()]), 1, "another process is using");
    assert_failed(&run_in(&data, &["verify"]), 1, "is in use: stop the server first");
    assert_eq!(server.get("/readyz", None).0, 200);
}

#[test]
fn serve_may_open_as_many_files_as_the_system_allows() {
    let temporary = tempfile::tempdir().unwrap();
    for (soft, hard, warned) in [(256, 5_000, false), (256, 1_000, true)] {
        let server = Server::start_with_open_files(temporary.path(), soft, hard);
        assert_eq!(server.open_files_limit(), hard);
        let log = server.kill();
        assert_eq!(log.contains("files may be open"), warned, "{log}");
    }
}

#[test]
fn damaged_and_newer_data_is_refused_in_one_line() {
    let temporary = tempfile::tempdir().unwrap();
    let whole = temporary.path().join("whole");
    assert_eq!(Server::start(&whole, &["--demo"]).stop(), Some(0));
    let broken = |name: &str, harm: &dyn Fn(&Path)| {
        let data = temporary.path().join(name);
        support::copy_folder(&whole, &data);
        harm(&data);
        run_in(&data, &["serve", "--demo", "--listen", "127.0.0.1:0"])
    };
    let pragma = |file: &'static str| {
        move |data: &Path| {
            rusqlite::Connection::open(data.join(file)).unwrap().pragma_update(None, "user_version", 99).unwrap();
        }
    };
    assert_failed(&broken("a", &pragma("directory.sqlite")), 1, "was written by a newer Tapstone");
    assert_failed(&broken("b", &pragma("tables.sqlite")), 1, "was written by a newer Tapstone");
    let scribble = |data: &Path| fs::write(data.join("directory.sqlite"), [0x5a; 10_000]).unwrap();
    assert_failed(&broken("c", &scribble), 1, "directory.sqlite is damaged");
    let lose = |data: &Path| {
        fs::remove_dir_all(data.join("journal")).unwrap();
        fs::remove_file(data.join("tables.sqlite")).unwrap();
    };
    assert_failed(&broken("e", &lose), 1, "journal is gone: restore it from a backup");
    let flip = |data: &Path| {
        let journal = data.join("journal");
        let mut files = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
        let segment = files.find(|path| path.extension().is_some_and(|ending| ending == "journal")).unwrap();
        let mut bytes = fs::read(&segment).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&segment, bytes).unwrap();
        // Or the tables would vouch for that part of the journal until it is verified.
        fs::remove_file(data.join("tables.sqlite")).unwrap();
    };
    assert_failed(&broken("d", &flip), 1, "is damaged at byte");
    assert_failed(&run_in(&temporary.path().join("d"), &["verify"]), 1, "is damaged at byte");
}

#[test]
fn a_lost_directory_is_not_made_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    run_in(&data, &["init"]);
    assert!(import(&data, TOWN).status.success());
    let (directory, kept) = (data.join("directory.sqlite"), temporary.path().join("kept"));
    fs::rename(&directory, &kept).unwrap();
    let names = || {
        let mut names: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let expected = "holds money but directory.sqlite is gone: restore it from a backup";
    let assert_all_refuse = || {
        assert_failed(&run_in(&data, &["serve", "--listen", "127.0.0.1:0"]), 1, expected);
        assert_failed(&run_in(&data, &["serve", "--demo", "--listen", "127.0.0.1:0"]), 1, expected);
        assert_failed(&run_in(&data, &["init"]), 1, expected);
        assert_failed(&import(&data, TOWN), 1, expected);
    };
    assert_all_refuse();
    assert_eq!(names(), before, "nothing was made");
    fs::write(&directory, "").unwrap();
    assert_all_refuse();
    fs::rename(&kept, &directory).unwrap();
    assert_eq!(Server::start(&data, &[]).stop(), Some(0));
}

const TOWN: &str = r#"{
    "merchants": [{
        "key": "bakery", "name": "Corner Bakery", "name_zh": "街角面包店", "currencies": ["EUR"],
        "stores": [{
            "key": "main", "name": "Main Street", "address": "1 Main Street",
            "tills": [{"key": "1", "name": "Till 1"}],
            "tags": [{"key": "1", "label": "Till 1", "uid": "04112233445566", "mode": "till", "currency": "EUR",
                "till": "1"}]
        }]
    }],
    "wallets": [{"key": "anna", "name": "Anna", "currencies": ["EUR"],
        "deposits": [{"key": "opening", "amount": 5000, "currency": "EUR"}]}]
}"#;

/// A live folder, and what importing a description into it says.
fn import(data: &Path, description: &str) -> std::process::Output {
    let file = data.with_extension("json");
    fs::write(&file, description).unwrap();
    run_in(data, &["import", file.to_str().unwrap()])
}

#[test]
fn import_opens_a_real_platform() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    assert_failed(&import(&data, TOWN), 2, "is not initialised");
    run_in(&data, &["init"]);
    let first = import(&data, TOWN);
    assert!(first.status.success(), "{first:?}");
    let keys = String::from_utf8(first.stdout).unwrap();
    let lines: Vec<Vec<&str>> = keys.lines().map(|line| line.split(' ').collect()).collect();
    let [bakery, anna] = &lines[..] else { panic!("{keys}") };
    assert_eq!((bakery[0], bakery[1], anna[0], anna[1]), ("merchant", "bakery", "wallet", "anna"));

    let again = import(&data, TOWN);
    assert!(again.status.success() && again.stdout.is_empty(), "nobody is new: {again:?}");
    let renamed = import(&data, &TOWN.replace("Corner Bakery", "Corner Bakery & Sons"));
    assert!(renamed.status.success() && renamed.stdout.is_empty(), "{renamed:?}");

    let server = Server::start(&data, &[]);
    let (_, merchant) = server.get("/v1/merchants/me", Some(bakery[3]));
    assert_eq!((&merchant["id"], &merchant["name"]), (&json!(bakery[2]), &json!("Corner Bakery & Sons")));
    assert_eq!(merchant["stores"][0]["tills"][0]["name"], "Till 1");
    let (_, wallet) = server.get("/v1/wallets/me", Some(anna[3]));
    assert_eq!((&wallet["id"], &wallet["balances"][0]["available"]), (&json!(anna[2]), &json!(5000)));
    assert_eq!(server.get("/demo/world", None).0, 404);
    assert_eq!(server.get("/v1/merchants/me", Some("mk_demo_bakery")).0, 401);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn keys_that_could_not_be_printed_are_not_lost() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    let file = temporary.path().join("town.json");
    fs::write(&file, TOWN).unwrap();
    assert_failed(&run_in_full(&data, &["init"]), 1, "cannot hand over the operator's key");
    let made = run_in(&data, &["init"]);
    assert!(made.status.success() && made.stdout.starts_with(b"op_"), "{made:?}");

    let import = ["import", file.to_str().unwrap()];
    assert_failed(&run_in_full(&data, &import), 1, "cannot hand over the new API keys");
    let keys = String::from_utf8(run_in(&data, &import).stdout).unwrap();
    let tokens: Vec<&str> = keys.lines().filter_map(|line| line.split(' ').nth(3)).collect();
    let [bakery, anna] = tokens[..] else { panic!("{keys}") };
    let server = Server::start(&data, &[]);
    assert_eq!(server.get("/v1/merchants/me", Some(bakery)).0, 200);
    let (_, wallet) = server.get("/v1/wallets/me", Some(anna));
    assert_eq!(wallet["balances"][0]["available"], 5000, "deposited once");
}

#[test]
fn the_example_in_the_help_can_be_imported() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    run_in(&data, &["init"]);
    let help = String::from_utf8(run(&["import", "--help"]).stdout).unwrap();
    let (begin, end) = (help.find("\n{").unwrap(), help.find("\n}").unwrap() + 2);
    let imported = import(&data, &help[begin..end]);
    assert!(imported.status.success(), "{imported:?}");
    let keys = String::from_utf8(imported.stdout).unwrap();
    assert!(keys.starts_with("merchant paper-crane ") && keys.contains("\nwallet ada-example "), "{keys}");
}

#[test]
fn import_refuses_what_makes_no_sense_or_cannot_be_changed() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    run_in(&data, &["init"]);
    let wrong = TOWN
        .replace("\"till\": \"1\"", "\"till\": \"7\"")
        .replace("5000, \"currency\": \"EUR\"", "1, \"currency\": \"JPY\"");
    let refused = import(&data, &wrong);
    let errors = String::from_utf8(refused.stderr.clone()).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(errors.contains("nothing was changed"), "{errors}");
    assert!(errors.contains("merchants[0].stores[0].tags[0].till: there is no till 7"), "{errors}");
    assert!(errors.contains("wallets[0].deposits[0].currency: add JPY to the currencies of anna"), "{errors}");
    assert_failed(&import(&data, "{\"shops\": []}"), 2, "shops: unknown field `shops`");
    assert_failed(&run_in(&data, &["import", "nowhere.json"]), 2, "cannot read nowhere.json");

    assert!(import(&data, TOWN).status.success());
    let other_chip = import(&data, &TOWN.replace("04112233445566", "04112233445577"));
    assert_failed(&other_chip, 1, "merchants[0].stores[0].tags[0]: is known here already with other particulars");
    let ben = r#"{"key": "ben", "name": "Ben", "currencies": ["EUR"]}"#;
    let with_ben = TOWN.replace("\"wallets\": [", &format!("\"wallets\": [{ben}, "));
    let other_amount = import(&data, &with_ben.replace("5000", "6000"));
    assert_failed(&other_amount, 1, "wallets[1].deposits[0]: is known here already with other particulars");
    assert_failed(&other_amount, 1, "is done and stays done");
    assert_failed(&other_amount, 1, "Correct the file and import it again: that completes it.");
    let keys = String::from_utf8(import(&data, &with_ben).stdout).unwrap();
    assert!(keys.starts_with("wallet ben ") && keys.lines().count() == 1, "{keys}");
}

#[test]
fn tag_keys_are_the_ones_that_the_platform_expects() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("tag-master.key"), "# ours\n00112233445566778899AABBCCDDEEFF\n").unwrap();
    fs::set_permissions(data.join("tag-master.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let arguments = ["tag", "keys", "--uid", "04aabbccddeeff", "--public-url", "https://pay.example"];
    let printed = run_in(&data, &arguments);
    assert!(printed.status.success() && String::from_utf8_lossy(&printed.stderr).contains("secret"), "{printed:?}");
    let text = String::from_utf8(printed.stdout).unwrap();

    let master = [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF];
    let diversifier = Diversifier::new(&AesKey::new(master));
    let uid = Uid([0x04, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF]);
    for purpose in [Purpose::sdm_meta_read(), Purpose::sdm_file_read(uid)] {
        let key: String = diversifier.derive(purpose).expose().iter().map(|byte| format!("{byte:02X}")).collect();
        assert!(text.contains(&key), "{text}");
    }
    assert!(text.contains("https://pay.example/t?e=0000"), "{text}");
    assert_failed(&run_in(&data, &["tag", "keys", "--uid", "05", "--public-url", "https://a"]), 2, "begin with 04");
}

#[test]
fn openapi_is_a_document() {
    let printed = run(&["openapi"]);
    let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert!(printed.status.success() && document["openapi"].as_str().unwrap().starts_with("3.1"));
}
