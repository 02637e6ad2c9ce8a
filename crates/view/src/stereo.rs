//! Which part of the frame an eye sees.

use glam::{Vec2, vec2};

/// How the pictures of two eyes are packed into one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StereoLayout {
    /// One picture for both eyes.
    #[default]
    Mono,
    /// The left eye's picture above the right eye's.
    TopBottom,
    /// The left eye's picture to the left of the right eye's.
    SideBySide,
}

/// An eye. A flat screen shows the left one's picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Eye {
    /// The left eye, and any single eye.
    #[default]
    Left,
    /// The right eye.
    Right,
}

/// A rectangle of the frame, in texture coordinates of the whole frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FramePart {
    /// Top left corner.
    pub origin: Vec2,
    /// Width and height.
    pub extent: Vec2,
}

impl StereoLayout {
    /// Every layout, in the order of menus.
    pub const ALL: [Self; 3] = [Self::Mono, Self::TopBottom, Self::SideBySide];

    /// The part of the frame that holds the picture of `eye`.
    pub fn part(self, eye: Eye) -> FramePart {
        let second = if eye == Eye::Right { 0.5 } else { 0.0 };
        match self {
            Self::Mono => FramePart { origin: Vec2::ZERO, extent: Vec2::ONE },
            Self::TopBottom => FramePart { origin: vec2(0.0, second), extent: vec2(1.0, 0.5) },
            Self::SideBySide => FramePart { origin: vec2(second, 0.0), extent: vec2(0.5, 1.0) },
        }
    }

    /// The name that attributes and query parameters use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mono => "mono",
            Self::TopBottom => "tb",
            Self::SideBySide => "sbs",
        }
    }

    /// The layout of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eyes_share_the_frame_without_overlap() {
        for layout in [StereoLayout::TopBottom, StereoLayout::SideBySide] {
            let (left, right) = (layout.part(Eye::Left), layout.part(Eye::Right));
            assert_eq!(left.extent, right.extent);
            assert_eq!(left.extent.x * left.extent.y, 0.5);
            assert_eq!(left.origin, Vec2::ZERO);
            assert_eq!(right.origin + right.extent, Vec2::ONE);
        }
        let mono = StereoLayout::Mono;
        assert_eq!(mono.part(Eye::Left), mono.part(Eye::Right));
    }

    #[test]
    fn names_are_found_again() {
        for layout in StereoLayout::ALL {
            assert_eq!(StereoLayout::from_name(layout.name()), Some(layout));
        }
        assert_eq!(StereoLayout::from_name("TB"), None);
    }
}
