//! One ffmpeg that decodes a source once and hands every rendition back as FLV over its own pipe.

use std::io::pipe;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use anyhow::{Context, Result};
use command_fds::{CommandFdExt, FdMapping};
use tokio::net::unix::pipe::Receiver;
use tokio::process::Command;

use super::{Config, SOFTWARE, Spec};
use crate::ffmpeg::{Child, Ffmpeg};

/// The first descriptor after standard input, output and error.
const FIRST_PIPE: usize = 3;

/// A started encoder and the read ends of its pipes, one per rendition.
pub struct Encoder {
    /// ffmpeg.
    pub child: Child,
    /// FLV of each rendition, widest first.
    pub outputs: Vec<Receiver>,
}

/// Where sound and key frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Material {
    /// A live source on standard input: its AAC is passed on, its key frames are kept.
    Live {
        /// Whether there is sound.
        has_audio: bool,
    },
    /// The inputs of the command: sound is encoded, key frames are this far apart.
    Raw {
        /// Seconds from one key frame to the next.
        key_frame_secs: u32,
    },
}

/// Starts an encoder of `specs`, widest first, for a live source that comes in this format.
pub fn start_live(
    ffmpeg: &Ffmpeg,
    config: &Config,
    specs: &[Spec],
    format: &str,
    has_audio: bool,
    label: &str,
) -> Result<Encoder> {
    let mut command = ffmpeg.command();
    // Not `-fflags nobuffer`: it throws away what was read to find the streams.
    command.args(["-analyzeduration", "500000", "-fpsprobesize", "0"]);
    command.args(&config.input_options).args(["-copyts", "-f", format, "-i", "pipe:0"]);
    start(command, config, specs, Material::Live { has_audio }, label)
}

/// Starts an encoder of `specs`, widest first, for whatever inputs `command` has.
pub fn start(
    mut command: Command,
    config: &Config,
    specs: &[Spec],
    material: Material,
    label: &str,
) -> Result<Encoder> {
    command.args(["-filter_complex", &scaling(specs, &config.upload_filter)]);
    let (mut outputs, mut mappings) = (Vec::new(), Vec::new());
    for (index, spec) in specs.iter().enumerate() {
        let (ours, theirs) = pipe().context("no pipe to ffmpeg: too many open files")?;
        let receiver =
            Receiver::from_owned_fd(OwnedFd::from(ours)).context("no pipe from ffmpeg")?;
        outputs.push(receiver);
        let child_fd = i32::try_from(FIRST_PIPE + index).context("too many renditions")?;
        mappings.push(FdMapping { parent_fd: theirs.into(), child_fd });
        command.args(output_args(config, *spec, index, material));
        command.arg(format!("pipe:{child_fd}"));
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    command.fd_mappings(mappings).context("no pipe to ffmpeg")?;
    let child = Child::spawn(command, label)?;
    Ok(Encoder { child, outputs })
}

/// Each rendition is scaled from the next wider one, which costs less than from the source.
/// `upload` follows the scaler of each.
fn scaling(specs: &[Spec], upload: &str) -> String {
    let upload = if upload.is_empty() { String::new() } else { format!(",{upload}") };
    let mut graph = String::new();
    let mut from = "0:v:0".to_owned();
    for (index, spec) in specs.iter().enumerate() {
        let flags = if index == 0 { "bicubic" } else { "area" };
        let scale = format!("[{from}]scale={}:{}:flags={flags}", spec.width, spec.height);
        if index + 1 == specs.len() {
            graph += &format!("{scale}{upload}[v{index}]");
        } else if upload.is_empty() {
            graph += &format!("{scale},split[v{index}][s{index}];");
            from = format!("s{index}");
        } else {
            let filters = &upload[1..];
            graph += &format!("{scale},split[u{index}][s{index}];[u{index}]{filters}[v{index}];");
            from = format!("s{index}");
        }
    }
    graph
}

fn output_args(config: &Config, spec: Spec, index: usize, material: Material) -> Vec<String> {
    let mut args: Vec<String> = vec!["-map".into(), format!("[v{index}]")];
    args.extend(rate_args(config, spec));
    let mut add = |more: &[&str]| args.extend(more.iter().map(ToString::to_string));
    if config.upload_filter.is_empty() {
        add(&["-pix_fmt", "yuv420p"]);
    }
    add(&["-bf", "0"]);
    match material {
        Material::Live { has_audio } => {
            if has_audio {
                add(&["-map", "0:a:0", "-c:a", "copy"]);
            }
            // Key frames exactly where the source has them, times exactly the source's.
            add(&[
                "-force_key_frames",
                "source",
                "-fps_mode",
                "passthrough",
                "-enc_time_base:v",
                "1:1000",
            ]);
            if config.encoder == SOFTWARE {
                add(&["-tune", "zerolatency"]);
            }
        }
        Material::Raw { key_frame_secs } => {
            add(&["-map", "1:a:0", "-c:a", "aac", "-b:a", "96k"]);
            add(&[
                "-shortest",
                "-force_key_frames",
                &format!("expr:gte(t,n_forced*{key_frame_secs})"),
            ]);
        }
    }
    args.extend(config.output_options.iter().cloned());
    let mut add = |more: &[&str]| args.extend(more.iter().map(ToString::to_string));
    add(&["-flush_packets", "1", "-flvflags", "no_duration_filesize", "-f", "flv"]);
    args
}

/// The encoder and how many bits it may take.
fn rate_args(config: &Config, spec: Spec) -> Vec<String> {
    let rate = format!("{}k", spec.kbps);
    let mut args = vec!["-c:v", &config.encoder, "-maxrate", &rate, "-bufsize", &rate];
    if !config.preset.is_empty() {
        args.extend(["-preset", &config.preset]);
    }
    let crf = config.crf.to_string();
    if config.encoder == SOFTWARE {
        args.extend(["-crf", &crf, "-x264-params", "scenecut=0:keyint=600"]);
    } else {
        args.extend(["-b:v", &rate, "-g", "600"]);
    }
    args.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renditions_are_scaled_one_from_the_other() {
        let spec = |width| Spec { width, height: width / 2, kbps: 100 };
        assert_eq!(scaling(&[spec(96)], ""), "[0:v:0]scale=96:48:flags=bicubic[v0]");
        assert_eq!(
            scaling(&[spec(96), spec(48)], ""),
            "[0:v:0]scale=96:48:flags=bicubic,split[v0][s0];[s0]scale=48:24:flags=area[v1]"
        );
        assert_eq!(
            scaling(&[spec(96), spec(48)], "hwupload"),
            "[0:v:0]scale=96:48:flags=bicubic,split[u0][s0];[u0]hwupload[v0];\
             [s0]scale=48:24:flags=area,hwupload[v1]"
        );
    }

    #[test]
    fn hardware_gets_a_rate_and_no_options_of_x264() {
        let encoder = "h264_nvenc".to_owned();
        let config = Config { encoder, preset: String::new(), ..Config::default() };
        let spec = Spec { width: 96, height: 48, kbps: 100 };
        let args = output_args(&config, spec, 0, Material::Live { has_audio: false }).join(" ");
        assert!(args.contains("-c:v h264_nvenc -maxrate 100k") && args.contains("-b:v 100k"));
        assert!(!args.contains("x264") && !args.contains("-preset") && !args.contains("-tune"));
    }
}
