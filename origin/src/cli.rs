//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::config::{self, Config};
use crate::{demo, inspect, publish, serve, transmux};

/// Streams live and recorded 360-degree video.
#[derive(Debug, Parser)]
#[command(name = "immersive", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  immersive serve --site dist                  take RTMP, serve HLS and the site
  immersive publish test                       send a test signal to it
  immersive demo --site dist                   both in one
  immersive inspect https://example.org/live.m3u8    what a stream is, and what is wrong with it
  immersive transmux index.m3u8 -o out.mp4     segments into one file
  ffmpeg -re -i in.mp4 -c copy -f flv rtmp://localhost/live/test

What is logged: IMMERSIVE_LOG=debug, or IMMERSIVE_LOG=immersive_origin::live=debug")]
struct Cli {
    /// How the log is written [default: text, or IMMERSIVE_LOG_FORMAT]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    #[command(subcommand)]
    command: Command,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Serve),
    Publish(publish::Options),
    Demo(demo::Options),
    Inspect(inspect::Options),
    Transmux(transmux::Options),
}

/// Take live streams over RTMP, serve them as HLS; serve recordings and the site.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  immersive serve                              RTMP on 1935, HTTP on 8080
  immersive serve --site dist --data /var/lib/immersive
  immersive serve --http 127.0.0.1:9000 --rtmp 127.0.0.1:9001
  immersive serve --https 0.0.0.0:8443 --certificate fullchain.pem --key privkey.pem
  immersive serve --print-config > immersive.toml
  immersive serve --config immersive.toml --check
  immersive serve --config immersive.toml
  immersive serve --profile workshop           segments and lifetimes as in the reference system
  IMMERSIVE_LIVE__WINDOW=10 immersive serve    any setting, from the environment

A stream published to rtmp://HOST/live/NAME is played from http://HOST:8080/hls/NAME.m3u8, and
recorded. How it is doing: http://HOST:8080/ops")]
pub struct Serve {
    /// Settings to read; flags override them
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which defaults hold: modern or workshop
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Address and port for HTTP [default: 0.0.0.0:8080]
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Address and port for RTMP [default: 0.0.0.0:1935]
    #[arg(long, value_name = "ADDR")]
    rtmp: Option<SocketAddr>,
    /// Address and port for HTTPS; needs --certificate and --key
    #[arg(long, value_name = "ADDR")]
    https: Option<SocketAddr>,
    /// Address and port for RTMP over TLS; needs --certificate and --key
    #[arg(long, value_name = "ADDR")]
    rtmps: Option<SocketAddr>,
    /// PEM file with the certificate for --https and --rtmps
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// PEM file with the certificate's private key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Folder of the site to serve at /
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Folder for recordings and whatever else is kept [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print every setting with its default and an explanation, then exit
    #[arg(long)]
    print_config: bool,
    /// Read the settings, look whether all that they need is there, say so, then exit
    #[arg(long)]
    check: bool,
}

/// Runs the program; an error is one sentence on standard error.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter =
        EnvFilter::try_from_env("IMMERSIVE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    let format = cli.log_format.or_else(|| {
        let named = std::env::var("IMMERSIVE_LOG_FORMAT").ok()?;
        LogFormat::from_str(&named, true).ok()
    });
    match format {
        Some(LogFormat::Json) => log.json().flatten_event(true).init(),
        _ => log.init(),
    }
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the worker threads")?;
    match command {
        Command::Serve(options) if options.print_config => print(config::TEMPLATE),
        Command::Serve(options) if options.check => {
            print(&runtime.block_on(serve::check(&options.to_config()?))?)
        }
        Command::Serve(options) => {
            let config = options.to_config()?;
            let file = options.config.as_deref();
            runtime.block_on(serve::run(config, || options.to_config(), file))
        }
        Command::Publish(options) => runtime.block_on(publish::run(options)),
        Command::Demo(options) => runtime.block_on(demo::run(options)),
        Command::Inspect(options) => inspect::run(&options),
        Command::Transmux(options) => transmux::run(&options),
    }
}

#[expect(clippy::print_stdout, reason = "this is what the user asked to see")]
fn print(text: &str) -> Result<()> {
    print!("{text}");
    Ok(())
}

impl Serve {
    fn to_config(&self) -> Result<Config> {
        let mut config = Config::read(self.config.as_deref(), self.profile.as_deref())?;
        config.http = self.http.unwrap_or(config.http);
        config.rtmp = self.rtmp.unwrap_or(config.rtmp);
        config.https = self.https.or(config.https);
        config.rtmps = self.rtmps.or(config.rtmps);
        config.tls.certificate = self.certificate.clone().or(config.tls.certificate);
        config.tls.key = self.key.clone().or(config.tls.key);
        config.site = self.site.clone().or(config.site);
        config.data = self.data.clone().unwrap_or(config.data);
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
