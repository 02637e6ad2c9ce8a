//! What was measured, as JSON and as tables. A run that measures one thing leaves the others as
//! they were, each with where it was taken.
#![expect(clippy::print_stdout, reason = "the one place that prints results")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::environment;
use crate::statistics::{greatest, least, median};

/// The report's files.
pub struct Report {
    folder: PathBuf,
    all: Value,
}

impl Report {
    /// Whatever earlier runs left in `folder`.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let earlier = std::fs::read_to_string(folder.join("bench.json")).ok();
        let all = earlier.and_then(|text| serde_json::from_str(&text).ok());
        Ok(Self { folder: folder.to_owned(), all: all.unwrap_or_else(|| json!({})) })
    }

    /// Puts a section in the place of the earlier one, and writes both files.
    pub fn set(&mut self, section: &str, value: Value) -> Result<()> {
        self.all[section] = value;
        self.write("bench.json", &format!("{:#}\n", self.all))?;
        self.write("README.md", &self.markdown())
    }

    /// What an earlier run, or this one, measured; null when none did.
    pub fn section(&self, section: &str) -> Value {
        self.all[section].clone()
    }

    /// To the terminal.
    pub fn print(&self) -> Result<()> {
        println!("{}", self.markdown());
        println!("written to {}", self.folder.join("README.md").display());
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    fn markdown(&self) -> String {
        let mut text = String::from("# Measured with `cargo xtask bench`\n");
        if self.all["size"].is_object() {
            size(&mut text, &self.all["size"]);
        }
        if self.all["firstFrame"].is_object() {
            first_frame(&mut text, &self.all["firstFrame"]);
        }
        if self.all["transmux"].is_object() {
            transmux(&mut text, &self.all["transmux"]);
        }
        if self.all["latency"].is_object() {
            latency(&mut text, &self.all["latency"]);
        }
        if self.all["origin"].is_object() {
            crate::origin::tables(&mut text, &self.all["origin"]);
        }
        text
    }
}

fn size(text: &mut String, section: &Value) {
    text.push_str("\n## Bytes before the first frame\n\n");
    text.push_str("| | as it is | gzip -9 | Brotli 11 |\n|---|---:|---:|---:|\n");
    let mut totals = Vec::new();
    for side in items(&section["sides"]) {
        let total = |key: &str| items(&side["files"]).map(|file| number(&file[key])).sum::<f64>();
        let (raw, gzip, brotli) = (total("raw"), total("gzip"), total("brotli"));
        totals.push((gzip, brotli));
        row(text, name(side), &[bytes(raw), bytes(gzip), bytes(brotli)]);
    }
    if let [(our_gzip, our_brotli), (gzip, brotli)] = totals[..] {
        let shares = [String::new(), ratio(our_gzip, gzip), ratio(our_brotli, brotli)];
        row(text, "ratio", &shares);
    }
}

fn first_frame(text: &mut String, section: &Value) {
    let pairs = &section["pairs"];
    let _ = write!(
        text,
        "\n## Time to first frame, cold\n\nFrom the start of navigation to the first animation \
         frame at which the canvas shows a picture; a new browser with an empty profile for every \
         run, {pairs} pairs in turns, the same recorded stream from the same servers on this \
         machine. {}.\n\n",
        environment::describe(section)
    );
    text.push_str("| | median ms | least | greatest |\n|---|---:|---:|---:|\n");
    for backend in items(&section["backends"]) {
        let interface = backend["backend"].as_str().unwrap_or_default();
        let mut times = Vec::new();
        for side in items(&backend["sides"]) {
            let millis = numbers(&side["runs"], "at");
            let figure = |value: Option<f64>| format!("{:.0}", value.unwrap_or(f64::NAN));
            let title = format!("{}, {interface} allowed", name(side));
            let figures = [median(&millis), least(&millis), greatest(&millis)];
            row(text, &title, &figures.map(figure));
            times.push(millis);
        }
        if let [ours, theirs] = &times[..] {
            let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
            let figure = |value: Option<f64>| format!("{:.2}", value.unwrap_or(f64::NAN));
            let figures = [median(&ratios), least(&ratios), greatest(&ratios)];
            row(text, &format!("ratio of the pairs, {interface}"), &figures.map(figure));
        }
    }
}

fn transmux(text: &mut String, section: &Value) {
    let starts = section["sides"][1]["starts"].as_array().map_or(0, Vec::len);
    let _ = write!(
        text,
        "\n## Transmuxing\n\n{}. Whole segments go to a dedicated worker, one after the other, and \
         fragments come back, both transferred; timed on the page. Cold: the first pass of a new \
         worker, median of {starts}. Warm: the best pass. {}.\n\n",
        section["material"].as_str().unwrap_or_default(),
        environment::describe(section)
    );
    text.push_str("| | MB/s cold | MB/s warm |\n|---|---:|---:|\n");
    for side in items(&section["sides"]) {
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for start in items(&side["starts"]) {
            let passes = numbers(&start["passes"], "millis");
            let speeds = passes.iter().map(|millis| number(&start["bytes"]) / millis / 1000.0);
            let speeds: Vec<f64> = speeds.collect();
            cold.extend(speeds.first());
            warm.extend(greatest(&speeds));
        }
        let figure = |value: Option<f64>| format!("{:.0}", value.unwrap_or(f64::NAN));
        row(text, name(side), &[figure(median(&cold)), figure(greatest(&warm))]);
    }
}

fn latency(text: &mut String, section: &Value) {
    let _ = write!(
        text,
        "\n## Live latency\n\nBehind the encoder, by PROGRAM-DATE-TIME, once a second for {} s, through a \
         line of 8 Mb/s and 25 ms either way; stalls are `waiting` events. hls.js draws no sphere. {}.\n\n",
        section["secs"],
        environment::describe(section)
    );
    text.push_str("| | median s | greatest s | stalls | lines |\n|---|---:|---:|---:|---:|\n");
    for side in items(&section["sides"]) {
        let secs: Vec<f64> = items(&side["latencySecs"]).map(number).collect();
        let figure = |value: Option<f64>| format!("{:.2}", value.unwrap_or(f64::NAN));
        let count = |key: &str| format!("{:.0}", number(&side[key]));
        let cells =
            [figure(median(&secs)), figure(greatest(&secs)), count("stalls"), count("heightPx")];
        row(text, name(side), &cells);
    }
}

fn row(text: &mut String, title: &str, cells: &[String]) {
    let _ = writeln!(text, "| {title} | {} |", cells.join(" | "));
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn numbers(list: &Value, key: &str) -> Vec<f64> {
    items(list).map(|item| number(&item[key])).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn name(side: &Value) -> &str {
    side["name"].as_str().unwrap_or_default()
}

fn ratio(ours: f64, theirs: f64) -> String {
    format!("{:.2}", ours / theirs)
}

/// 1234567 as `1,234,567`.
fn bytes(count: f64) -> String {
    let digits = format!("{count:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(bytes(0.0), "0");
        assert_eq!(bytes(999.0), "999");
        assert_eq!(bytes(1_234_567.0), "1,234,567");
    }
}
