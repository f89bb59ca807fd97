//! `tapstone tag factory`: production orders of tags, from the purchase to the delivery.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use factory::{Folder, FolderError, OrderCode, Problems, Progress, Request, Seed, Serial, Verdict, Written};
use tag::KeyVersion;

use crate::failure::Failure;
use crate::output;
use crate::public_url::PublicUrl;

/// Prepare a production order of tags: the files for the encoding machine and the labels, in parts that a killed run goes on
/// with. The subcommands follow the order until it is delivered.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    order: Option<OrderArguments>,
    #[command(subcommand)]
    step: Option<Step>,
}

#[derive(Args)]
struct OrderArguments {
    /// How many tags.
    #[arg(long, value_name = "N")]
    count: u32,
    /// The order's folder. If it holds this order already, what is missing is written.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Where phones reach the platform, such as https://pay.example.
    #[arg(long, value_name = "URL")]
    public_url: PublicUrl,
    /// How many labels a full reel has.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    reel_labels: u32,
    /// Which version of keys the tags get.
    #[arg(long, value_name = "N", default_value_t = 1)]
    key_version: u8,
    /// The order's code, six characters of each serial. Drawn if it is missing.
    #[arg(long, value_name = "CODE")]
    order: Option<OrderCode>,
    /// What samples are drawn from, 32 hexadecimal digits. Drawn if it is missing.
    #[arg(long, value_name = "DIGITS")]
    seed: Option<Seed>,
}

#[derive(Subcommand)]
enum Step {
    /// Import the chip maker's lists of UIDs: all of them at once, and all or nothing.
    ImportUids {
        #[command(flatten)]
        folder: FolderArgument,
        /// The lists: a UID a row, or tables with a column named UID.
        #[arg(required = true, value_name = "LIST")]
        lists: Vec<PathBuf>,
    },
    /// Write which UID is under which label.
    Bind {
        #[command(flatten)]
        folder: FolderArgument,
        /// The encoding machine's log, with the columns serial and uid. Without it the chips were taken in the order of their
        /// lists.
        #[arg(long, value_name = "FILE")]
        log: Option<PathBuf>,
    },
    /// Print which labels of the reels are to be tried (ISO 2859-1, level II, AQL 0.65), as CSV.
    Sample {
        #[command(flatten)]
        folder: FolderArgument,
        /// Only of this reel.
        #[arg(long, value_name = "N")]
        reel: Option<u32>,
    },
    /// Say of each reel whether to accept it, from the readings of its sample.
    Check {
        #[command(flatten)]
        folder: FolderArgument,
        /// Lines as `tapstone tag verify` answers, with "serial" beside them where there is no UID.
        #[arg(value_name = "READINGS")]
        readings: PathBuf,
    },
    /// Compare what was delivered with what was ordered.
    Reconcile {
        #[command(flatten)]
        folder: FolderArgument,
        /// Where the rows go that do not agree, as CSV.
        #[arg(long, value_name = "FILE")]
        report: PathBuf,
        /// Tables with the column serial, and perhaps reel and uid.
        #[arg(required = true, value_name = "DELIVERY")]
        deliveries: Vec<PathBuf>,
    },
    /// Print one label as SVG.
    Label {
        #[command(flatten)]
        folder: FolderArgument,
        /// The serial, as it is printed.
        #[arg(long)]
        serial: Serial,
    },
}

#[derive(Args)]
struct FolderArgument {
    /// The order's folder.
    #[arg(long = "out", value_name = "DIR")]
    path: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    match (arguments.step, arguments.order) {
        (Some(Step::ImportUids { folder, lists }), _) => import_uids(&open(&folder)?, &lists),
        (Some(Step::Bind { folder, log }), _) => bind(&open(&folder)?, log.as_deref()),
        (Some(Step::Sample { folder, reel }), _) => sample(&open(&folder)?, reel),
        (Some(Step::Check { folder, readings }), _) => check(&open(&folder)?, &readings),
        (Some(Step::Reconcile { folder, report, deliveries }), _) => reconcile(&open(&folder)?, &report, &deliveries),
        (Some(Step::Label { folder, serial }), _) => label(&open(&folder)?, serial),
        (None, Some(order)) => prepare(order),
        (None, None) => Err(Failure::Usage("say which order: --count, --out and --public-url".to_owned())),
    }
}

fn prepare(arguments: OrderArguments) -> Result<(), Failure> {
    let mut drawn = [0; 20];
    getrandom::fill(&mut drawn)?;
    let request = Request {
        code: arguments.order,
        count: arguments.count,
        reel_labels: arguments.reel_labels,
        key_version: KeyVersion(arguments.key_version),
        public_url: arguments.public_url.to_string(),
        seed: arguments.seed,
    };
    let folder = Folder::prepare(&arguments.out, &request, drawn).map_err(failure)?;
    let written = folder.write_encoding(&mut tell_progress).map_err(failure)?;
    let order = folder.order();
    let counts = told(written);
    output::print(&format!("order {}: {} reels, {counts}\n", order.code(), order.reels()))?;
    Ok(())
}

fn import_uids(folder: &Folder, lists: &[PathBuf]) -> Result<(), Failure> {
    let imported = folder.import_uids(lists).map_err(failure)?;
    output::print(&format!("{} UIDs; {} labels will have none\n", imported.uids, imported.short))?;
    Ok(())
}

fn bind(folder: &Folder, log: Option<&Path>) -> Result<(), Failure> {
    let bound = folder.bind(log, &mut tell_progress).map_err(failure)?;
    output::print(&format!("{}; {} labels have no UID\n", told(bound.written), bound.unbound))?;
    Ok(())
}

fn sample(folder: &Folder, only: Option<u32>) -> Result<(), Failure> {
    let order = folder.order();
    let reels = only.map_or(1..=order.reels(), |reel| reel..=reel);
    output::print("reel,position,serial\n")?;
    for number in reels {
        let reel = order.reel(number).ok_or_else(|| Failure::Usage(format!("the order has no reel {number}")))?;
        let mut rows = String::new();
        for position in factory::sampling::positions(order, reel) {
            if let Some(tag) = order.tag(reel.first + position - 1) {
                writeln!(rows, "{number},{position},{}", tag.serial)?;
            }
        }
        output::print(&rows)?;
    }
    Ok(())
}

fn check(folder: &Folder, readings: &Path) -> Result<(), Failure> {
    let binding = folder.binding().map_err(failure)?;
    let check = folder.check(binding.as_ref(), readings).map_err(failure)?;
    let mut rows = "reel,sample_size,accept_up_to,good,bad,unread,verdict\n".to_owned();
    let mut accepted = true;
    for reel in check.reels() {
        let verdict = reel.verdict();
        accepted &= verdict == Verdict::Accept;
        let (number, size, accept) = (reel.reel.number, reel.plan.sample_size, reel.plan.accept_up_to);
        writeln!(rows, "{number},{size},{accept},{},{},{},{}", reel.good, reel.bad, reel.unread, verdict.code())?;
    }
    output::print(&rows)?;
    tell_problems(check.problems());
    if check.problems().total() > 0 {
        return Err(Failure::Fault(format!("{} lines say nothing of any tag", check.problems().total())));
    }
    if accepted { Ok(()) } else { Err(Failure::Fault("not all reels are accepted".to_owned())) }
}

fn reconcile(folder: &Folder, report: &Path, deliveries: &[PathBuf]) -> Result<(), Failure> {
    let binding = folder.binding().map_err(failure)?;
    let summary = folder.reconcile(binding.as_ref(), deliveries, report).map_err(failure)?;
    let mut text = format!(
        "ordered {}, delivered rows {}, right {}, missing {}\n",
        summary.ordered, summary.rows, summary.right, summary.missing
    );
    for (code, count) in &summary.breaks {
        writeln!(text, "{code} {count}")?;
    }
    output::print(&text)?;
    if summary.agrees() {
        return Ok(());
    }
    Err(Failure::Fault(format!("what was delivered is not what was ordered: see {}", report.display())))
}

fn label(folder: &Folder, serial: Serial) -> Result<(), Failure> {
    let order = folder.order();
    if serial.order() != order.code() || serial.number() > order.count() {
        return Err(Failure::Usage(format!("{serial} is not in order {}", order.code())));
    }
    let too_long = || Failure::Usage("the label's URL is too long for a QR code".to_owned());
    output::print(&factory::label_svg(order, serial).ok_or_else(too_long)?)?;
    Ok(())
}

fn open(folder: &FolderArgument) -> Result<Folder, Failure> {
    Folder::open(&folder.path).map_err(failure)
}

fn told(written: Written) -> String {
    let Written { parts_written, parts_kept, rows, bytes } = written;
    format!("{rows} rows in {parts_written} new and {parts_kept} kept parts, {bytes} bytes")
}

fn tell_progress(progress: Progress) {
    eprintln!("part {} of {}", progress.parts_done, progress.parts);
}

fn tell_problems(problems: &Problems) {
    problems.told().iter().for_each(output::complain);
    let untold = problems.total() - problems.told().len() as u64;
    if untold > 0 {
        output::complain(&format!("and {untold} more: {:?}", problems.counts()));
    }
}

/// Whose fault it is.
fn failure(error: FolderError) -> Failure {
    if let FolderError::Problems(problems) = &error {
        tell_problems(problems);
    }
    let message = error.to_string();
    match error {
        FolderError::Order(_) | FolderError::OtherOrder(_) | FolderError::NoOrder(_) | FolderError::NoUids => {
            Failure::Usage(message)
        }
        _ => Failure::Fault(message),
    }
}
