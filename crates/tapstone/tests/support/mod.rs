//! Running the binary, and speaking HTTP to it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapstone"));
    command.args(arguments);
    command
}

/// What the binary says and how it ends.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command(arguments).stdin(Stdio::null()).output().unwrap()
}

/// The same with `--data`.
pub(crate) fn run_in(data: &Path, arguments: &[&str]) -> Output {
    run(&[arguments, &["--data", data.to_str().unwrap()]].concat())
}

/// The same with a standard output that is full.
pub(crate) fn run_in_full(data: &Path, arguments: &[&str]) -> Output {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    command(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}

/// It ended with this code, nothing on standard output, and one message that holds this.
pub(crate) fn assert_failed(output: &Output, code: i32, expected: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(expected), "{error}\nshould contain: {expected}");
    assert_eq!(error.matches("tapstone: ").count() + error.matches("error: ").count(), 1, "{error}");
    assert!(output.stdout.is_empty() && !error.contains("panicked"), "{output:?}");
}

/// The file's permissions.
pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, target) = (entry.as_ref().unwrap(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A running `tapstone serve`. Killed if it is dropped.
pub(crate) struct Server {
    process: Child,
    /// Host and port.
    pub(crate) address: String,
    /// What it said on standard output up to the answer of its first health check.
    pub(crate) greeting: String,
}

impl Server {
    /// Starts on any port, and returns at once.
    pub(crate) fn spawn(data: &Path, more: &[&str]) -> Child {
        let arguments = [&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()], more].concat();
        command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Starts on any port, and waits until it is ready.
    pub(crate) fn start(data: &Path, more: &[&str]) -> Self {
        Self::ready(Self::spawn(data, more))
    }

    /// Starts on any port with these limits of open files, and waits until it is ready.
    pub(crate) fn start_with_open_files(data: &Path, soft: u32, hard: u32) -> Self {
        let script = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_tapstone"), "serve", "--demo", "--listen", "127.0.0.1:0"]);
        command.arg("--data").arg(data).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::ready(command.spawn().unwrap())
    }

    fn ready(mut process: Child) -> Self {
        // A greeting is one write, so that what is there after the first line is all of it.
        let mut reader = BufReader::new(process.stdout.take().unwrap());
        let mut greeting = String::new();
        reader.read_line(&mut greeting).unwrap();
        greeting.push_str(&String::from_utf8_lossy(reader.buffer()));
        let (_, address) = greeting.lines().next().unwrap().rsplit_once(" on ").unwrap();
        let address = address.to_owned();
        let server = Self { process, address, greeting };
        assert_eq!(server.get("/readyz", None).0, 200);
        server
    }

    /// How many files it may have open.
    pub(crate) fn open_files_limit(&self) -> u32 {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.process.id())).unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Ends it, and says what it logged.
    pub(crate) fn kill(mut self) -> String {
        self.process.kill().unwrap();
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }

    /// Asks it to stop, and says how it ended.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }

    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> (u16, Value) {
        self.request("GET", path, token, "")
    }

    pub(crate) fn post(&self, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.request("POST", path, token, &body)
    }

    /// An order at a till, a touch, a tap and the payment.
    pub(crate) fn pay(&self, tag: &str, key: &str, token: &str, amount: u64, currency: &str) -> (u16, Value) {
        let order = json!({"tag": tag, "amount": {"amount": amount, "currency": currency}});
        let (status, order) = self.post("/v1/orders", Some(key), &order);
        assert_eq!(status, 201, "{order}");
        let tap = self.tap(tag, token);
        self.post("/v1/payments", Some(token), &json!({"tap": tap}))
    }

    /// A touch of a standing tag, a tap and the payment.
    pub(crate) fn pay_standing(&self, tag: &Value, token: &str, amount: u64, currency: &str) -> (u16, Value) {
        assert_eq!(tag["mode"], "standing");
        let tap = self.tap(tag["id"].as_str().unwrap(), token);
        let amount = json!({"amount": amount, "currency": currency});
        self.post("/v1/payments", Some(token), &json!({"tap": tap, "amount": amount}))
    }

    fn tap(&self, tag: &str, token: &str) -> String {
        let (_, touched) = self.post(&format!("/demo/tags/{tag}/touch"), None, &Value::Null);
        let (status, tap) = self.post("/v1/taps", Some(token), &json!({"url": touched["url"]}));
        assert_eq!(status, 201, "{tap}");
        tap["id"].as_str().unwrap().to_owned()
    }

    fn request(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{authorization}Content-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let status = response.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
