//! Where settings come from: a profile's defaults, then the file, then the environment.

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::{Config, Profile};

/// Settings of the environment begin with this; `__` goes a section down:
/// `IMMERSIVE_LIVE__WINDOW=10`.
const PREFIX: &str = "IMMERSIVE_";
/// Variables with that prefix that are no settings.
const OTHERS: [&str; 3] = ["LOG", "LOG_FORMAT", "TEST_MARK"];

/// What profile `workshop` has for defaults: as nginx-rtmp was set up in the reference system.
const WORKSHOP: &str = "
[live]
segment_secs = 10.0
window = 6
container = \"ts\"
part_secs = 0.0
[cache]
playlist_secs = 3
segment_secs = 900
";

/// The settings that `file` (TOML) and `environment` make. `profile` counts more than theirs.
///
/// # Errors
/// When one of them says what makes no sense; the message names it.
pub fn read(
    file: &str,
    profile: Option<&str>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config> {
    let file: Table = toml::from_str(file)?;
    let environment: Vec<(String, String)> = environment
        .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value)))
        .filter(|(name, _)| !OTHERS.contains(&name.as_str()))
        .collect();
    let from_environment =
        environment.iter().find(|(name, _)| name == "PROFILE").map(|(_, value)| value.as_str());
    let in_file = file.get("profile").and_then(Value::as_str);
    let profile = profile.or(from_environment).or(in_file).unwrap_or("modern").to_owned();
    let mut table = defaults(&profile)?;
    merge(&mut table, file);
    for (name, value) in environment {
        set(&mut table, &name, value);
    }
    table.insert("profile".to_owned(), Value::String(profile));
    Value::Table(table).try_into().context("a setting makes no sense")
}

/// Of the profile of this name; that it is none comes out later, with its place.
fn defaults(profile: &str) -> Result<Table> {
    let mut table = Table::try_from(Config::default()).context("the defaults cannot be written")?;
    if profile == Profile::Workshop.name() {
        merge(&mut table, toml::from_str(WORKSHOP)?);
    }
    Ok(table)
}

fn merge(into: &mut Table, from: Table) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// `LIVE__WINDOW`: what is text by default stays text, the rest is written as in the file.
fn set(table: &mut Table, name: &str, value: String) {
    let mut path: Vec<String> = name.split("__").map(str::to_ascii_lowercase).collect();
    let Some(last) = path.pop() else { return };
    let mut table = table;
    for section in path {
        let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        match entry {
            Value::Table(inner) => table = inner,
            _ => return,
        }
    }
    let is_text = matches!(table.get(&last), Some(Value::String(_)));
    let parsed = toml::from_str::<Table>(&["x = ", &value].concat()).ok();
    let parsed = parsed.filter(|_| !is_text).and_then(|mut table| table.remove("x"));
    table.insert(last, parsed.unwrap_or(Value::String(value)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(file: &str, environment: &[(&str, &str)]) -> Result<Config> {
        let pairs =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        read(file, None, pairs)
    }

    #[test]
    fn the_environment_counts_more_than_the_file_and_that_more_than_the_profile() {
        let file = "profile = \"workshop\"\n[live]\nwindow = 9\n";
        let config = with(file, &[]).unwrap();
        assert_eq!((config.live.segment_secs, config.live.window), (10.0, 9));
        assert_eq!((config.cache.playlist_secs, config.cache.segment_secs), (3, 900));
        let config = with(
            file,
            &[
                ("IMMERSIVE_LIVE__WINDOW", "12"),
                ("IMMERSIVE_DATA", "/srv/video"),
                ("IMMERSIVE_INGEST__ALLOW", "[\"10.0.0.0/8\"]"),
                ("IMMERSIVE_HOOKS__RECORDED", "7"),
                ("IMMERSIVE_LOG", "debug"),
                ("PATH", "/bin"),
            ],
        )
        .unwrap();
        assert_eq!((config.live.segment_secs, config.live.window), (10.0, 12));
        assert_eq!(config.data, std::path::Path::new("/srv/video"));
        assert_eq!(config.ingest.allow.len(), 1);
        assert_eq!(config.hooks.recorded, "7");
        let config = with("", &[("IMMERSIVE_PROFILE", "workshop")]).unwrap();
        assert_eq!(config.live.segment_secs, 10.0);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (name, value, named) in [
            ("IMMERSIVE_HTP", "x", "htp"),
            ("IMMERSIVE_HTTP", "here", "http"),
            ("IMMERSIVE_PROFILE", "old", "old"),
            ("IMMERSIVE_LIVE__WINDOW", "many", "many"),
        ] {
            let error = format!("{:#}", with("", &[(name, value)]).unwrap_err());
            assert!(error.contains(named), "{name}: {error}");
        }
    }
}
