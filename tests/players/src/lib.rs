//! Other people's players on what the origin serves: see `tests/players.rs`.
