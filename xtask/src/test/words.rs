//! Words that belong to one place. Where the compiler cannot keep a boundary, this does.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::{fingerprint, workspace};

/// A word and where it may stand.
struct Rule {
    word: &'static str,
    /// Where it is looked for, from the root.
    searched: &'static [&'static str],
    /// Files or folders that may have it.
    allowed: &'static [&'static str],
    why: &'static str,
}

const RULES: [Rule; 3] = [
    Rule {
        word: "m3u8_rs",
        searched: &["crates", "origin", "player", "site", "tests"],
        allowed: &["crates/hls/src/parse.rs"],
        why: "what that library loses or misreads is mended in one place",
    },
    Rule {
        word: "Closure",
        searched: &["player/src", "site/src"],
        // The class of the element calls one for as long as the page lives.
        allowed: &["player/src/web", "player/src/element/mod.rs", "player/src/ui/tests.rs"],
        why: "the guards of player::web undo themselves; a bare closure leaks",
    },
    Rule {
        word: "set_inner_html",
        searched: &["player/src", "site/src"],
        allowed: &[],
        why: "text of strangers (titles, addresses, errors) would become markup",
    },
];

/// Fails with every place where a word is out of place.
pub fn check() -> Result<()> {
    let mut wrong = Vec::new();
    for rule in &RULES {
        for folder in rule.searched {
            let folder = workspace::root().join(folder);
            for file in fingerprint::files_below(&folder, &|path| path.ends_with("target"))? {
                if file.extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                let name = file.strip_prefix(workspace::root()).unwrap_or(&file);
                wrong.extend(rule.misplaced(name, &text));
            }
        }
    }
    ensure!(wrong.is_empty(), "words out of place:\n  {}", wrong.join("\n  "));
    Ok(())
}

impl Rule {
    fn misplaced(&self, file: &Path, text: &str) -> Vec<String> {
        if self.allowed.iter().any(|allowed| file.starts_with(allowed)) {
            return Vec::new();
        }
        let code = |line: &str| line.split("//").next().unwrap_or(line).contains(self.word);
        let lines = text.lines().enumerate().filter(|(_, line)| code(line));
        lines
            .map(|(index, _)| {
                format!("{}:{}: `{}`: {}", file.display(), index + 1, self.word, self.why)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::RULES;

    #[test]
    fn a_word_out_of_place_is_named_with_its_line() {
        let rule = &RULES[0];
        let text = "// m3u8_rs is behind us\nuse m3u8_rs::Playlist;\n";
        let wrong = rule.misplaced(Path::new("crates/engine/src/lib.rs"), text);
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].starts_with("crates/engine/src/lib.rs:2: `m3u8_rs`"));
        assert!(rule.misplaced(Path::new("crates/hls/src/parse.rs"), text).is_empty());
    }
}
