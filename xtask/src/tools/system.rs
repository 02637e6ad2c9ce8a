//! Packages of the operating system. On Debian and Ubuntu they are installed; elsewhere the right
//! command is named, because other package managers ask questions that only a person can answer.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::step;

/// Programs or files that one package, or a few, bring.
#[derive(Debug, PartialEq, Eq)]
pub struct Package {
    /// What it is for.
    pub purpose: &'static str,
    /// How to tell that it is there.
    evidence: Evidence,
    debian: &'static [&'static str],
    ubuntu: &'static [&'static str],
    brew: &'static str,
    dnf: &'static str,
    pacman: &'static str,
    winget: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
enum Evidence {
    /// Every program is on PATH, under one of its names.
    Programs(&'static [&'static [&'static str]]),
    /// Every program is on PATH, and this file is there.
    ProgramsAndFile(&'static [&'static str], &'static str),
    /// A description of a Vulkan driver lies where the loader looks; other systems bring their own.
    VulkanDriver,
}

/// ffmpeg and ffprobe.
pub const FFMPEG: Package = Package {
    purpose: "ffmpeg",
    evidence: Evidence::Programs(&[&["ffmpeg"], &["ffprobe"]]),
    debian: &["ffmpeg"],
    ubuntu: &["ffmpeg"],
    brew: "brew install ffmpeg",
    dnf: "sudo dnf install ffmpeg-free",
    pacman: "sudo pacman -S ffmpeg",
    winget: "winget install Gyan.FFmpeg",
};

/// A C++ compiler under its usual name.
pub const CXX: Package = Package {
    purpose: "a C++ compiler",
    evidence: Evidence::Programs(&[&["c++", "clang++", "g++"]]),
    debian: &["g++"],
    ubuntu: &["g++"],
    brew: "xcode-select --install",
    dnf: "sudo dnf install gcc-c++",
    pacman: "sudo pacman -S gcc",
    winget: "Microsoft.VisualStudio.2022.BuildTools",
};

/// node and npm.
pub const NODE: Package = Package {
    purpose: "Node.js and npm",
    evidence: Evidence::Programs(&[&["node"], &["npm"]]),
    debian: &["nodejs", "npm"],
    ubuntu: &["nodejs", "npm"],
    brew: "brew install node",
    dnf: "sudo dnf install nodejs npm",
    pacman: "sudo pacman -S nodejs npm",
    winget: "winget install OpenJS.NodeJS",
};

/// Chromium and chromedriver.
pub const BROWSER: Package = Package {
    purpose: "Chromium and chromedriver",
    evidence: Evidence::Programs(&[
        &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        &["chromedriver"],
    ]),
    debian: &["chromium", "chromium-driver", "fonts-dejavu-core"],
    ubuntu: &["chromium-browser", "chromium-chromedriver", "fonts-dejavu-core"],
    brew: "brew install --cask chromium chromedriver",
    dnf: "sudo dnf install chromium chromedriver",
    pacman: "sudo pacman -S chromium",
    winget: "winget install Hibbiki.Chromium Chromium.ChromeDriver",
};

/// A Vulkan driver that needs no GPU.
pub const VULKAN: Package = Package {
    purpose: "Mesa's software Vulkan driver",
    evidence: Evidence::VulkanDriver,
    debian: &["libvulkan1", "mesa-vulkan-drivers"],
    ubuntu: &["libvulkan1", "mesa-vulkan-drivers"],
    brew: "brew install molten-vk",
    dnf: "sudo dnf install vulkan-loader mesa-vulkan-drivers",
    pacman: "sudo pacman -S vulkan-icd-loader vulkan-swrast",
    winget: "your graphics driver's installer",
};

/// nginx with its RTMP module, and wrk. Debian's package starts a server on port 80 where there is
/// a service manager; benchmarks start their own.
pub const NGINX: Package = Package {
    purpose: "nginx with libnginx-mod-rtmp, and wrk, for the origin's benchmark only",
    evidence: Evidence::ProgramsAndFile(
        &["nginx", "wrk"],
        "/usr/lib/nginx/modules/ngx_rtmp_module.so",
    ),
    debian: &["nginx", "libnginx-mod-rtmp", "wrk"],
    ubuntu: &["nginx", "libnginx-mod-rtmp", "wrk"],
    brew: "brew install wrk nginx, and nginx's RTMP module by hand",
    dnf: "sudo dnf install nginx wrk, and nginx's RTMP module by hand",
    pacman: "sudo pacman -S nginx wrk, and nginx's RTMP module by hand",
    winget: "a Debian in WSL: the origin's benchmark needs Linux",
};

impl Package {
    /// Whether its programs or files are there.
    pub fn present(&self) -> bool {
        match self.evidence {
            Evidence::Programs(programs) => {
                programs.iter().all(|names| names.iter().any(|name| find(name).is_some()))
            }
            Evidence::ProgramsAndFile(programs, file) => {
                programs.iter().all(|program| find_anywhere(program)) && Path::new(file).is_file()
            }
            Evidence::VulkanDriver => !cfg!(target_os = "linux") || has_vulkan_driver(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manager {
    Debian,
    Ubuntu,
    Brew,
    Dnf,
    Pacman,
    Winget,
    Unknown,
}

/// For a sentence about where a package comes from.
pub fn manager_name() -> &'static str {
    match manager() {
        Manager::Debian | Manager::Ubuntu => "apt-get",
        Manager::Brew => "brew",
        Manager::Dnf => "dnf",
        Manager::Pacman => "pacman",
        Manager::Winget => "winget",
        Manager::Unknown => "your package manager",
    }
}

/// Installs packages with apt-get, as root or through sudo, or says what to run.
pub fn install(packages: &[&Package]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let debian: Vec<&str> = match manager() {
        Manager::Debian => packages.iter().flat_map(|package| package.debian).copied().collect(),
        Manager::Ubuntu => packages.iter().flat_map(|package| package.ubuntu).copied().collect(),
        other => bail!("{}", instruction(other, packages)),
    };
    let by_hand = format!("apt-get install --no-install-recommends {}", debian.join(" "));
    let Some(prefix) = privileges() else {
        bail!(
            "installing system packages needs root, and sudo is not there; as root run: {by_hand}"
        )
    };
    let remedy = format!("Run it by hand to see why: {}{by_hand}", prefix.join(" "));
    let update = ["apt-get", "update"];
    step::must("apt-get update", &mut privileged(&prefix, &update), &remedy)?;
    let mut install = vec!["apt-get", "install", "--yes", "--no-install-recommends"];
    install.extend(&debian);
    let title = format!("installing {}", debian.join(" "));
    step::must(&title, &mut privileged(&prefix, &install), &remedy)?;
    Ok(())
}

/// One sentence that names the command.
fn instruction(manager: Manager, packages: &[&Package]) -> String {
    let commands = packages.iter().map(|package| match manager {
        Manager::Brew => package.brew,
        Manager::Dnf => package.dnf,
        Manager::Pacman => package.pacman,
        Manager::Winget => package.winget,
        Manager::Debian | Manager::Ubuntu | Manager::Unknown => package.purpose,
    });
    let commands = commands.collect::<Vec<_>>();
    if manager == Manager::Unknown {
        format!("install {} with your package manager, then run this again", commands.join(", "))
    } else {
        format!("run `{}`, then run this again", commands.join("` and `"))
    }
}

fn manager() -> Manager {
    if cfg!(target_os = "macos") {
        return Manager::Brew;
    }
    if cfg!(windows) {
        return Manager::Winget;
    }
    if find("apt-get").is_some() {
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let ubuntu = release.lines().any(|line| line == "ID=ubuntu");
        return if ubuntu { Manager::Ubuntu } else { Manager::Debian };
    }
    let others = [("dnf", Manager::Dnf), ("pacman", Manager::Pacman), ("brew", Manager::Brew)];
    let found = others.iter().find(|(program, _)| find(program).is_some());
    found.map_or(Manager::Unknown, |(_, manager)| *manager)
}

/// The words before a command that needs root; `None` when root cannot be had.
fn privileges() -> Option<Vec<&'static str>> {
    let user = step::ask(Command::new("id").arg("-u"))?;
    if user.trim() == "0" {
        return Some(Vec::new());
    }
    // A step's output is collected, so a password is asked for here or not at all.
    let asked = Command::new("sudo").arg("--validate").status();
    asked.is_ok_and(|status| status.success()).then(|| vec!["sudo", "--non-interactive"])
}

/// `words` with these privileges. sudo cleans the environment, so `env` goes behind it.
fn privileged(prefix: &[&str], words: &[&str]) -> Command {
    let quiet = ["env", "DEBIAN_FRONTEND=noninteractive"];
    let mut all = prefix.iter().chain(&quiet).chain(words);
    let mut command = Command::new(all.next().copied().unwrap_or("env"));
    command.args(all);
    command
}

fn has_vulkan_driver() -> bool {
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
    folders
        .iter()
        .any(|folder| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()))
}

/// Servers are where only root's PATH looks.
fn find_anywhere(program: &str) -> bool {
    let folders = ["/usr/sbin", "/usr/local/sbin"];
    find(program).is_some()
        || folders.iter().any(|folder| Path::new(folder).join(program).is_file())
}

/// Where PATH has a program.
pub fn find(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| {
            folder.join(if cfg!(windows) && program == "npm" { "npm.cmd" } else { &file })
        })
        .find(|path| Path::is_file(path))
}
