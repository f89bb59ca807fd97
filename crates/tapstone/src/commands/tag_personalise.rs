//! `tapstone tag personalise`: chips become tags of the platform, in a card reader or as software.

use std::path::PathBuf;

use card_reader::{Presence, Readers};
use clap::Args;
use personalise::{MasterKey, Originality, Personaliser, Report, TagContent, Transceive};
use serde_json::{Value, json};
use tag::sdm::Mode;
use tag::{KeyVersion, TagKeys};

use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::output;
use crate::personalisation::{AuditFile, SoftwareTagFile, TagInField, choose_reader, wait_for};
use crate::public_url::PublicUrl;

const LINES: &str = r#"For each tag a line of JSON, such as
  {"uid":"04A1B2C3D4E5F6","outcome":"personalised","steps":["key 1","key 2","key 3","key 4","settings","message","key 0"],
   "key_version_before":0,"key_version":1,"originality":"nxp","verified":true,"counter":1}
  {"uid":"04A1B2C3D4E5F6","outcome":"failed","reason":"… what to do"}
The outcome is "unchanged" where nothing was left to do. Run it again after a cut: it goes on where it stopped.
Each use of a key is a line of tag-audit.jsonl in the data folder. No key is ever printed."#;

/// The version of the keys that follow from tag-master.key.
const VERSION: KeyVersion = KeyVersion(1);

/// Make NTAG 424 DNA chips tags of the platform: keys, message, access rights; then read back and verify.
#[derive(Args)]
#[command(after_help = LINES)]
pub(crate) struct Arguments {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where phones reach the platform, such as https://pay.example.
    #[arg(long, value_name = "URL")]
    public_url: PublicUrl,
    /// The card reader whose name has this in it. Without it: the only one.
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// A software tag in this file instead of a reader; one from the factory if there is none.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["reader", "count"])]
    software: Option<PathBuf>,
    /// The Android application that a touch opens, such as com.example.wallet.
    #[arg(long, value_name = "NAME")]
    android_package: Option<String>,
    /// How many tags, one after another.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let package = arguments.android_package.as_deref();
    let content = TagContent::new(Mode::Aes, &arguments.public_url.of_taps(), package);
    let content = content.map_err(|error| Failure::Usage(error.to_string()))?;
    let master = DataFolder(&arguments.data).tag_master_key()?;
    let mut keys = MasterKey::new(VERSION, &master);
    let mut audit = AuditFile::open(&arguments.data)?;
    let mut bench = Personaliser {
        keys: &mut keys,
        audit: &mut audit,
        random: &mut |bytes: &mut [u8]| rand::fill(bytes),
        content: &content,
        verifier: &TagKeys::from_master(&master),
        originality: if arguments.software.is_some() { Originality::NotChecked } else { Originality::Required },
    };
    match &arguments.software {
        Some(file) => {
            one(&mut bench, &mut SoftwareTagFile::open(file)?).and_then(|done| unfinished(1, u32::from(!done)))
        }
        None => in_reader(&mut bench, arguments),
    }
}

/// One tag after another, each taken away before the next.
fn in_reader(bench: &mut Personaliser<'_>, arguments: &Arguments) -> Result<(), Failure> {
    let readers = Readers::connect()?;
    let reader = choose_reader(&readers, arguments.reader.as_deref())?;
    let mut failed = 0;
    for number in 0..arguments.count {
        if number > 0 {
            wait_for(&readers, &reader, Presence::Empty)?;
        }
        eprintln!("{reader}: hold tag {} of {} to it", number + 1, arguments.count);
        wait_for(&readers, &reader, Presence::Present)?;
        let done = one(bench, &mut TagInField::take(&readers, &reader)?)?;
        failed += u32::from(!done);
    }
    unfinished(arguments.count, failed)
}

fn unfinished(count: u32, failed: u32) -> Result<(), Failure> {
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::Fault(format!("{failed} of {count} tags failed; the lines say why, and what to do")))
}

/// One tag and its line. Whether it is finished.
fn one(bench: &mut Personaliser<'_>, link: &mut dyn Transceive) -> Result<bool, Failure> {
    let outcome = bench.personalise(link);
    let line = match &outcome {
        Ok(report) => line(report),
        Err(failure) => json!({
            "uid": failure.uid().map(|uid| uid.to_string()),
            "outcome": "failed",
            "reason": failure.to_string(),
        }),
    };
    output::print(&format!("{line}\n"))?;
    Ok(outcome.is_ok())
}

fn line(report: &Report) -> Value {
    json!({
        "uid": report.uid.to_string(),
        "outcome": if report.steps.is_empty() { "unchanged" } else { "personalised" },
        "steps": report.steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "key_version_before": report.found.0,
        "key_version": report.key_version.0,
        "originality": match report.originality {
            Originality::Required => "nxp",
            Originality::NotChecked => "not_checked",
        },
        "verified": true,
        "counter": report.counter.value(),
    })
}
