//! `tapstone bench kills`: SIGKILL under load, again and again on one folder, and the books checked each time.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use directory::Purpose;
use engine::{Engine, SystemClock};
use ids::PaymentId;
use tag::Uid;
use tokio::task::LocalSet;

use super::books;
use super::load::{Dice, Place, Seen, Town, shop};
use super::plan::KillsArguments;
use super::server::Server;
use super::town;
use crate::failure::Failure;

/// The shortest and the longest time under load before a kill, in milliseconds.
const LOAD_MS: std::ops::Range<u64> = 50..350;

/// Kills the server `times` times in a row. Fails at the first thing that was acknowledged and is not there, and at
/// the first counter that went back.
pub(crate) fn run(arguments: &KillsArguments) -> Result<(), Failure> {
    let folder = town::temporary_folder(&arguments.folder)?;
    let size = town::Size {
        wallets: 500,
        merchants: 10,
        places: arguments.connections,
        orders: false,
        purpose: Purpose::Live,
    };
    let made = town::make(folder.path(), size)?;
    let tokens = Rc::new(made.wallet_tokens);
    let mut places = made.places;
    let mut acknowledged: Vec<(PaymentId, u64)> = Vec::new();
    let mut counters = BTreeMap::new();
    let mut dice = Dice::new(arguments.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for round in 1..=arguments.times {
        let time = Duration::from_millis(LOAD_MS.start + dice.below(LOAD_MS.end - LOAD_MS.start));
        let (back, seen) =
            LocalSet::new().block_on(&runtime, load_and_kill(folder.path(), tokens.clone(), places, time))?;
        places = back;
        ensure(seen.refused == 0, || format!("round {round}: refused with {:?}", seen.first_refusal))?;
        let new = seen.acknowledged.len();
        acknowledged.extend(seen.acknowledged);
        let books = books::check(folder.path(), &acknowledged)?;
        check_counters(folder.path(), &places, &mut counters)?;
        println!(
            "kill {round:>3} after {time:>5.0?}: {new:>5} payments acknowledged, all {} so far are there; {} journal \
             records, books balance; recovered in {:.0?}",
            acknowledged.len(),
            books.report.position,
            books.recovery_time,
        );
    }
    println!("{} kills: nothing acknowledged was lost, no counter went back, the books balance", arguments.times);
    Ok(())
}

async fn load_and_kill(
    folder: &Path,
    tokens: Rc<Vec<String>>,
    places: Vec<Place>,
    time: Duration,
) -> Result<(Vec<Place>, Seen), Failure> {
    let server = Server::start(folder).await?;
    let now = Instant::now();
    let town = Rc::new(Town {
        address: server.address,
        wallet_tokens: tokens,
        measure_from: now,
        measure_until: now + time,
        interval: None,
    });
    let shoppers: Vec<_> =
        places.into_iter().map(|place| tokio::task::spawn_local(shop(town.clone(), place))).collect();
    tokio::time::sleep(time).await;
    server.kill()?;
    let (mut places, mut seen) = (Vec::new(), Seen::default());
    for shopper in shoppers {
        let (place, saw) = shopper.await?;
        places.push(place);
        seen.merge(saw);
    }
    Ok((places, seen))
}

/// Each tag's counter is at least that of its last acknowledged tap, and never below what it was.
fn check_counters(folder: &Path, places: &[Place], counters: &mut BTreeMap<Uid, u32>) -> Result<(), Failure> {
    let engine = Engine::open(folder, Box::new(SystemClock))?;
    let stored: BTreeMap<Uid, u32> =
        engine.read(|tables| tables.all_tags())?.into_iter().map(|(tag, counter)| (tag.uid, counter)).collect();
    engine.close();
    for place in places {
        let uid = place.tag.uid();
        let counter = stored.get(&uid).copied().unwrap_or(0);
        let before = counters.insert(uid, counter).unwrap_or(0);
        ensure(counter >= before, || format!("the counter of {uid} went back from {before} to {counter}"))?;
        let said = place.acknowledged_counter..=place.tag.counter().value();
        ensure(said.contains(&counter), || format!("{uid} has counter {counter} after the kill, not one of {said:?}"))?;
    }
    Ok(())
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::Fault(otherwise())) }
}
