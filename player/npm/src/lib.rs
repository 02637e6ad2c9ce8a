//! The npm package: a thin cdylib around immersive-player (an rlib beside a cdylib in one crate would disable LTO).
