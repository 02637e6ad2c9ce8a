//! The names of a rung's files.

/// What the name of a file of a rung says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileName {
    /// An initialization segment.
    Init(usize),
    /// A segment.
    Segment(u64),
    /// A part of a segment.
    Part(u64, usize),
}

impl FileName {
    /// `RUN-init-0.mp4`, `RUN-000123.m4s`, `RUN-000123.4.m4s`, `RUN-000123.ts`; names of other runs
    /// are not known here.
    pub fn parse(name: &str, run: &str) -> Option<Self> {
        let rest = name.strip_prefix(run)?.strip_prefix('-')?;
        let found = match rest.strip_prefix("init-") {
            Some(init) => Self::Init(init.strip_suffix(".mp4")?.parse().ok()?),
            None => {
                let stem = rest.strip_suffix(".m4s").or_else(|| rest.strip_suffix(".ts"))?;
                match stem.split_once('.') {
                    Some((sequence, part)) => {
                        Self::Part(sequence.parse().ok()?, part.parse().ok()?)
                    }
                    None => Self::Segment(stem.parse().ok()?),
                }
            }
        };
        // One name for one thing: caches would keep several.
        let is_ts = name.ends_with(".ts");
        (found.write(run, is_ts) == name).then_some(found)
    }

    /// The name of the file.
    pub fn write(&self, run: &str, is_ts: bool) -> String {
        let extension = if is_ts { "ts" } else { "m4s" };
        match self {
            Self::Init(number) => format!("{run}-init-{number}.mp4"),
            Self::Segment(sequence) => format!("{run}-{sequence:06}.{extension}"),
            Self::Part(sequence, part) => format!("{run}-{sequence:06}.{part}.{extension}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_one_thing() {
        let names = [FileName::Init(3), FileName::Segment(7), FileName::Part(12_345_678, 4)];
        for name in names {
            assert_eq!(FileName::parse(&name.write("run", false), "run"), Some(name));
        }
        for odd in ["run-7.m4s", "run-+00007.m4s", "run-000007.04.m4s", "other-000007.m4s", "run-"]
        {
            assert_eq!(FileName::parse(odd, "run"), None, "{odd}");
        }
    }
}
