//! Prepares an order, or imports lists of UIDs into it, and says how long that took and how much memory it needed:
//! `factory_speed order DIR COUNT`, `factory_speed import DIR LIST…`, `factory_speed bind DIR`, `factory_speed list COUNT`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use factory::{Folder, OrderCode, Request, Seed};
use tag::{KeyVersion, Uid};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let started = Instant::now();
    match arguments[..] {
        ["order", folder, count] => {
            let request = Request {
                code: Some(OrderCode::from_bits(7)),
                count: count.parse().expect("a number"),
                reel_labels: 5_000,
                key_version: KeyVersion(1),
                public_url: "https://pay.example".to_owned(),
                seed: Some(Seed([7; 16])),
            };
            let folder = Folder::prepare(Path::new(folder), &request, [0; 20]).expect("a folder");
            eprintln!("{:?}", folder.write_encoding(&mut |_| {}));
        }
        ["import", folder, ref lists @ ..] => {
            let lists: Vec<PathBuf> = lists.iter().map(PathBuf::from).collect();
            eprintln!("{:?}", Folder::open(Path::new(folder)).expect("an order").import_uids(&lists));
        }
        ["bind", folder] => {
            let folder = Folder::open(Path::new(folder)).expect("an order");
            eprintln!("{:?}", folder.bind(None, &mut |_| {}));
        }
        ["list", count] => {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            for number in 0..count.parse::<u64>().expect("a number") {
                // Odd multipliers permute, so no UID is there twice.
                let [.., a, b, c, d, e, f] = number.wrapping_mul(0x9E37_79B9_7F4B).to_be_bytes();
                writeln!(out, "{}", Uid([4, a, b, c, d, e, f])).expect("standard output");
            }
        }
        _ => eprintln!("usage: factory_speed order DIR COUNT | import DIR LIST… | bind DIR | list COUNT"),
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    eprintln!("{:.1} s; {peak}", started.elapsed().as_secs_f32());
}
