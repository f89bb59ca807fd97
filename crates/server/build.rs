//! Lists the files of `web/dist` for `src/pages.rs` to embed.
//!
//! Where the web pages have not been built, a debug build gets a page that says so, and a release build fails: a binary
//! that is given away carries the real ones.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const PAGES: [&str; 4] = ["index.html", "reference.html", "till.html", "wallet.html"];

fn main() -> io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", dist.display());
    let built = PAGES.iter().all(|page| dist.join(page).is_file());
    let files = if built { files_below(&dist)? } else { placeholders(&dist)? };
    let mut list = String::from("&[\n");
    for (path, file) in files {
        let content_type = content_type(&path);
        writeln!(list, "File {{ path: {path:?}, content_type: {content_type:?}, bytes: include_bytes!({file:?}) }},")
            .map_err(io::Error::other)?;
    }
    list.push(']');
    fs::write(out_dir()?.join("pages.rs"), list)
}

/// All files, as the pages call them, and where they are; sorted.
fn files_below(dist: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let (mut files, mut folders) = (Vec::new(), vec![dist.canonicalize()?]);
    let root = dist.canonicalize()?;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            match path.strip_prefix(&root) {
                _ if path.is_dir() => folders.push(path),
                Ok(below) => files.push((below.to_string_lossy().replace('\\', "/"), path)),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
    files.sort();
    Ok(files)
}

fn placeholders(dist: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    if env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::error=the web pages are not built ({} is incomplete): run `make web` first", dist.display());
    }
    let placeholder = out_dir()?.join("placeholder.html");
    let text = "<!doctype html><title>Tapstone</title><p>The web pages are not built: run <code>make web</code>, then build again.";
    fs::write(&placeholder, text)?;
    Ok(PAGES.iter().map(|page| (String::from(*page), placeholder.clone())).collect())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn out_dir() -> io::Result<PathBuf> {
    env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))
}
