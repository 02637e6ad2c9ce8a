//! The program `immersive`: an origin for live and recorded 360-degree video, and its tools.

pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod ffmpeg;
pub mod flv;
pub mod hooks;
pub mod http;
pub mod hub;
pub mod ingest;
pub mod inspect;
pub mod limits;
pub mod live;
pub mod notices;
pub mod ops;
pub mod pattern;
pub mod publish;
pub mod record;
pub mod reload;
pub mod serve;
pub mod tls;
pub mod transmux;
pub mod vod;
