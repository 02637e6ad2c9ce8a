//! Beginnings and ends: nothing is left behind, and what stands in the way is named.

mod common;

use std::net::TcpListener;
use std::process::{Output, Stdio};

use common::{Origin, immersive, processes_with, wait_for};

fn is_encoding(origin: &Origin) -> Option<()> {
    processes_with(&origin.mark).iter().any(|name| name == "ffmpeg").then_some(())
}

#[test]
fn told_to_stop_it_leaves_no_ffmpeg() {
    let mut origin = Origin::start();
    let _publisher = origin.publish("test", &[]);
    wait_for("an encoder", || is_encoding(&origin));
    assert!(origin.terminate(), "it ends well");
    wait_for("everything to be gone", || processes_with(&origin.mark).is_empty().then_some(()));
}

#[test]
fn killed_hard_it_leaves_no_ffmpeg() {
    let mut origin = Origin::start();
    let _publisher = origin.publish("test", &[]);
    wait_for("an encoder", || is_encoding(&origin));
    origin.process.kill().expect("it can be killed");
    origin.process.wait().expect("it is gone");
    wait_for("everything to be gone", || processes_with(&origin.mark).is_empty().then_some(()));
}

/// One sentence on standard error, the given words in it, and a failing exit code.
fn check_refusal(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    assert!(said.starts_with("error: "), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} in {said}");
    }
}

fn run(arguments: &[&str], path: Option<&str>) -> Output {
    let mut command = immersive();
    command.args(arguments).stdin(Stdio::null());
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.output().expect("the program starts")
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let port = taken.local_addr().expect("an address").port().to_string();
    let data = tempfile::TempDir::new().expect("a temporary folder");
    let data = data.path().to_str().expect("a plain path");
    let output = run(&["serve", "--http", &address, "--rtmp", "127.0.0.1:0", "--data", data], None);
    check_refusal(&output, &[&port, "in use", "--http"]);
    let output = run(&["serve", "--rtmp", &address, "--http", "127.0.0.1:0", "--data", data], None);
    check_refusal(&output, &[&port, "in use", "--rtmp"]);
}

#[test]
fn a_missing_ffmpeg_is_named() {
    let nothing = tempfile::TempDir::new().expect("a temporary folder");
    let path = nothing.path().to_str().expect("a plain path");
    let output = run(
        &["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--data", path],
        Some(path),
    );
    check_refusal(&output, &["ffmpeg was not found", "apt-get install ffmpeg"]);
    check_refusal(&run(&["publish", "test"], Some(path)), &["ffmpeg was not found"]);
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("a file can be written");
    // Below a file there is no folder, not even for root.
    let data = file.join("data");
    let data = data.to_str().expect("a plain path");
    let output =
        run(&["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--data", data], None);
    check_refusal(&output, &[data, "--data"]);
}

#[test]
fn other_mistakes_are_named() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let data = folder.path().to_str().expect("a plain path");
    let output = run(
        &[
            "serve",
            "--http",
            "127.0.0.1:0",
            "--rtmp",
            "127.0.0.1:0",
            "--data",
            data,
            "--site",
            data,
        ],
        None,
    );
    check_refusal(&output, &["index.html", "--site"]);
    let output = run(&["serve", "--config", "/does/not/exist.toml"], None);
    check_refusal(&output, &["/does/not/exist.toml"]);
    check_refusal(&run(&["publish", "a/b"], None), &["a/b", "letters"]);
    check_refusal(&run(&["publish", "x", "--size", "960x540"], None), &["960x540", "2:1"]);
    let nobody =
        TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a free port");
    let to = format!("rtmp://{nobody}/live/x");
    check_refusal(
        &run(&["publish", "x", "--size", "128x64", "--to", &to], None),
        &[&to, "could not publish"],
    );
}
