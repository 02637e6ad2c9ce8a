//! What tracks of sound are called: said by the configuration, or by the encoder in its metadata.

use std::collections::BTreeMap;

use immersive_media::flv::Metadata;
use serde::{Deserialize, Serialize};

/// Nobody's name is longer.
const LONGEST_NAME: usize = 64;

/// Tracks of sound by stream name, the first of a stream first; `*` stands for all streams that are
/// not named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Sounds(BTreeMap<String, Vec<Label>>);

/// What a track is called; empty where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Label {
    /// Shown to people.
    pub name: String,
    /// RFC 5646.
    pub language: String,
}

impl Sounds {
    /// What is said of this track of stream `stream`, whose encoder sent `metadata`. The
    /// configuration counts more.
    pub fn of(&self, stream: &str, track: u8, metadata: &Metadata) -> Label {
        let set = self.0.get(stream).or_else(|| self.0.get("*"));
        let set = set.and_then(|tracks| tracks.get(usize::from(track)));
        let said = |names: &[&str]| {
            let of = |name: &&str| metadata.text(&format!("audioTrackIdInfoMap.{track}.{name}"));
            names.iter().find_map(of).unwrap_or_default()
        };
        let or = |set: Option<&String>, said: &str| match set {
            Some(set) if !set.is_empty() => set.clone(),
            _ => said.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect(),
        };
        Label {
            name: or(set.map(|set| &set.name), said(&["name", "title", "label"])),
            language: or(set.map(|set| &set.language), said(&["language", "lang"])),
        }
    }
}

impl Label {
    /// The name to show: what is said, or else the language, or else its place. `taken` are those of
    /// the others: names are unique.
    pub fn shown(&self, track: u8, is_first: bool, taken: &[String]) -> String {
        let number = u16::from(track) + 1;
        let name = match (self.name.as_str(), self.language.as_str()) {
            ("", "") if is_first => "Main".to_owned(),
            ("", "") => format!("Track {number}"),
            ("", language) => language.to_owned(),
            (name, _) => name.to_owned(),
        };
        match taken.contains(&name) {
            true => format!("{name} ({number})"),
            false => name,
        }
    }
}

/// CODECS of a variant with these sounds: each codec once.
pub fn with_codecs<'a>(mut codecs: String, sounds: impl Iterator<Item = &'a str>) -> String {
    for codec in sounds {
        if !codecs.split(',').any(|known| known == codec) {
            codecs = codecs + "," + codec;
        }
    }
    codecs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_counts_more_than_the_encoder() {
        let sounds: Sounds =
            toml::from_str("test = [{}, { name = \"Deutsch\" }]\n\"*\" = [{ language = \"en\" }]")
                .unwrap();
        let said = |name: &str, text: &str| (format!("audioTrackIdInfoMap.1.{name}"), text.into());
        let texts = vec![said("title", "German"), said("language", "de")];
        let metadata = Metadata { texts, ..Metadata::default() };
        let label =
            |name: &str, language: &str| Label { name: name.into(), language: language.into() };
        assert_eq!(sounds.of("test", 1, &metadata), label("Deutsch", "de"));
        assert_eq!(sounds.of("test", 0, &metadata), Label::default());
        assert_eq!(sounds.of("other", 1, &metadata), label("German", "de"));
        assert_eq!(sounds.of("other", 0, &metadata), label("", "en"));
    }

    #[test]
    fn names_are_there_and_unique() {
        let nothing = Label::default();
        assert_eq!(nothing.shown(0, true, &[]), "Main");
        assert_eq!(nothing.shown(255, false, &["Main".to_owned()]), "Track 256");
        let german = Label { language: "de".into(), ..Label::default() };
        assert_eq!(german.shown(1, false, &["de".to_owned()]), "de (2)");
    }
}
