//! The direction of dependencies: arrows point from the top level into `crates/`, and a pure crate
//! reaches neither the browser nor an async runtime.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{step, workspace};

/// They do no I/O, so all of them run and are tested natively.
const PURE: [&str; 4] = ["immersive-media", "immersive-hls", "immersive-engine", "immersive-view"];
/// What a pure crate must not reach, on any target.
const IMPURE: [&str; 4] = ["web-sys", "js-sys", "wasm-bindgen", "tokio"];
/// It draws with wgpu, and may touch the browser only as wgpu does.
const RENDER: &str = "immersive-render";
const RENDER_GATE: &str = "wgpu";
/// The page is a user of the tag like any other.
const SITE: &str = "immersive-site";
const SITE_MAY_USE: [&str; 1] = ["immersive-player"];

/// Fails with every arrow that points the wrong way.
pub fn check() -> Result<()> {
    let mut wrong = Vec::new();
    for name in PURE {
        wrong.extend(ways_to_impurity(name, &tree_of(name)?, None));
    }
    wrong.extend(ways_to_impurity(RENDER, &tree_of(RENDER)?, Some(RENDER_GATE)));
    wrong.extend(Workspace::read(&metadata()?)?.upward_arrows());
    ensure!(wrong.is_empty(), "dependencies point the wrong way:\n  {}", wrong.join("\n  "));
    Ok(())
}

/// Which package depends on which, by name.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Everything that a crate reaches on any target, but for its tests. Cargo is asked for one crate
/// at a time: then features that only other crates turn on do not count.
fn tree_of(name: &str) -> Result<Graph> {
    let mut command = workspace::cargo();
    command.args(["tree", "--locked", "--package", name, "--edges", "normal,build"]);
    command.args(["--target", "all", "--prefix", "depth", "--format", " {p}"]);
    let text = step::ask(&mut command)
        .with_context(|| format!("`cargo tree --locked --package {name}` failed"))?;
    Ok(read_tree(&text))
}

/// Reads lines like `2 memchr v2.8.3 (*)`: depth, name, more. What is below a package is printed
/// where it first appears.
fn read_tree(text: &str) -> Graph {
    let mut graph = Graph::new();
    let mut way: Vec<&str> = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(depth), Some(name)) = (words.next(), words.next()) else { continue };
        let Ok(depth) = depth.parse::<usize>() else { continue };
        way.truncate(depth);
        if let Some(parent) = way.last() {
            graph.entry((*parent).to_owned()).or_default().insert(name.to_owned());
        }
        way.push(name);
    }
    graph
}

/// The shortest way from `name` to each impure package that does not go through `gate`.
fn ways_to_impurity(name: &str, graph: &Graph, gate: Option<&str>) -> Vec<String> {
    let mut waiting = VecDeque::from([vec![name]]);
    let mut seen = BTreeSet::from([name]);
    let mut wrong = Vec::new();
    while let Some(way) = waiting.pop_front() {
        for next in graph.get(way[way.len() - 1]).into_iter().flatten() {
            if gate == Some(next) || !seen.insert(next) {
                continue;
            }
            let way = [&way[..], &[next.as_str()]].concat();
            if IMPURE.contains(&next.as_str()) {
                wrong.push(way.join(" -> "));
            } else {
                waiting.push_back(way);
            }
        }
    }
    wrong
}

fn metadata() -> Result<Value> {
    let mut command = workspace::cargo();
    command.args(["metadata", "--locked", "--format-version", "1"]);
    let text = step::ask(&mut command).context(
        "`cargo metadata --locked` failed; run `cargo metadata >/dev/null` and commit Cargo.lock",
    )?;
    serde_json::from_str(&text).context("cargo metadata printed no JSON")
}

/// Our own packages.
struct Workspace {
    /// What each declares, whatever for; packages from elsewhere among them.
    depends_on: Graph,
    /// Folders of our own packages, from the root.
    folders: BTreeMap<String, String>,
}

impl Workspace {
    fn read(metadata: &Value) -> Result<Self> {
        let root = metadata["workspace_root"].as_str().context("metadata has no workspace_root")?;
        let mut workspace = Self { depends_on: BTreeMap::new(), folders: BTreeMap::new() };
        let packages = metadata["packages"].as_array().context("metadata has no packages")?;
        for package in packages.iter().filter(|package| package["source"].is_null()) {
            let name = package["name"].as_str().unwrap_or_default().to_owned();
            let manifest = package["manifest_path"].as_str().unwrap_or_default();
            let folder = manifest.strip_prefix(root).unwrap_or(manifest).replace('\\', "/");
            let folder = folder.trim_start_matches('/').trim_end_matches("/Cargo.toml");
            workspace.folders.insert(name.clone(), folder.to_owned());
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            let names = dependencies.filter_map(|dependency| dependency["name"].as_str());
            workspace.depends_on.entry(name).or_default().extend(names.map(str::to_owned));
        }
        Ok(workspace)
    }

    /// A crate in crates/ that depends on one at the top, or a page that goes around the tag.
    fn upward_arrows(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, folder) in &self.folders {
            let dependencies = self.depends_on.get(name).into_iter().flatten();
            for dependency in dependencies.filter(|name| self.folders.contains_key(*name)) {
                let target = &self.folders[dependency];
                if folder.starts_with("crates/") && !target.starts_with("crates/") {
                    wrong.push(format!("{name} in {folder} depends on {dependency} in {target}"));
                }
                if name == SITE && !SITE_MAY_USE.contains(&dependency.as_str()) {
                    wrong.push(format!("{name} depends on {dependency}; it may use only the tag"));
                }
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{RENDER, Workspace, read_tree, ways_to_impurity};

    #[test]
    fn a_pure_crate_that_reaches_the_browser_is_named_with_the_way() {
        let tree = "0 immersive-media v0.1.0 (/w/crates/media)\n1 memchr v2.8.3\n1 clock v1.0.0\n\
                    2 js-sys v0.3.1 (*)\n";
        let wrong = ways_to_impurity("immersive-media", &read_tree(tree), None);
        assert_eq!(wrong, ["immersive-media -> clock -> js-sys"]);
        let good = "0 immersive-media v0.1.0 (/w/crates/media)\n1 memchr v2.8.3\n";
        assert!(ways_to_impurity("immersive-media", &read_tree(good), None).is_empty());
    }

    #[test]
    fn the_renderer_may_reach_the_browser_through_wgpu_only() {
        let good = "0 immersive-render v0.1.0\n1 glam v0.34.0\n1 wgpu v30.0.1\n2 web-sys v0.3.1\n";
        assert!(ways_to_impurity(RENDER, &read_tree(good), Some("wgpu")).is_empty());
        let bad = "0 immersive-render v0.1.0\n1 wgpu v30.0.1\n2 web-sys v0.3.1\n1 glam v0.34.0\n\
                   2 web-sys v0.3.1 (*)\n";
        assert_eq!(
            ways_to_impurity(RENDER, &read_tree(bad), Some("wgpu")),
            ["immersive-render -> glam -> web-sys"]
        );
    }

    fn workspace(packages: &[(&str, &str, &[&str])]) -> Workspace {
        let packages = packages.iter().map(|(name, folder, depends_on)| {
            let names = depends_on.iter().map(|name| json!({ "name": name }));
            json!({
                "name": name,
                "source": null,
                "manifest_path": format!("/w/{folder}/Cargo.toml"),
                "dependencies": names.collect::<Vec<_>>(),
            })
        });
        let packages = packages.collect::<Vec<_>>();
        Workspace::read(&json!({ "workspace_root": "/w", "packages": packages })).unwrap()
    }

    #[test]
    fn nothing_in_crates_depends_on_the_top_level() {
        let bad = workspace(&[
            ("immersive-view", "crates/view", &["immersive-player"]),
            ("immersive-player", "player", &["immersive-view"]),
        ]);
        assert_eq!(
            bad.upward_arrows(),
            ["immersive-view in crates/view depends on immersive-player in player"]
        );
    }

    #[test]
    fn the_page_uses_only_the_tag() {
        let bad = workspace(&[
            ("immersive-site", "site", &["immersive-player", "immersive-engine"]),
            ("immersive-player", "player", &["immersive-engine"]),
            ("immersive-engine", "crates/engine", &[]),
        ]);
        assert_eq!(
            bad.upward_arrows(),
            ["immersive-site depends on immersive-engine; it may use only the tag"]
        );
    }
}
