//! The boxes of spherical video, read and written.
//!
//! `st3d` and `sv3d`: "Spherical Video V2 RFC" (google/spatial-media). `uuid` with XML: "Spherical
//! Video RFC" of the same. `vexu` and `hfov`: Apple, "ISO Base Media File Format and Apple HEVC
//! Stereo Video" and its extensions for projections.

use super::boxes::{begin, begin_full, end, put_u32};
use super::read::{BoxRef, Boxes, Fields, short};
use crate::error::Error;
use crate::spherical::{Angle, Bounds, MeshData, Pose, Projection, Spherical, StereoLayout};

/// Names the box of Spherical Video V1.
const V1_UUID: [u8; 16] = [
    0xff, 0xcc, 0x82, 0x63, 0xf8, 0x55, 0x4a, 0x93, 0x88, 0x14, 0x58, 0x7a, 0x02, 0x52, 0x1f, 0xdd,
];

const VEXU: &str = "video sample entry / vexu";
const SV3D: &str = "video sample entry / sv3d";

/// Reads `st3d`, `sv3d`, `vexu` and `hfov` among the boxes of a sample entry.
pub(crate) fn read_sample_entry(boxes: Boxes<'_>) -> Result<Spherical, Error> {
    let mut v2 = Spherical::default();
    let mut apple = Spherical::default();
    for found in boxes {
        let found = found?;
        match &found.kind {
            b"st3d" => {
                let mode = found.body.get(4).ok_or_else(|| short(&found, "st3d"))?;
                v2.stereo = stereo_mode(*mode);
            }
            b"sv3d" => read_sv3d(&found, &mut v2)?,
            b"vexu" => read_vexu(&found, &mut apple)?,
            b"hfov" => apple.horizontal_fov_millidegrees = Fields::new(found.body).u32(),
            _ => {}
        }
    }
    Ok(v2.or(apple))
}

/// Reads the `uuid` box of Spherical Video V1 among the boxes of a track.
pub(crate) fn read_track(trak: &BoxRef<'_>) -> Result<Spherical, Error> {
    for found in Boxes::inside(trak, "moov / trak") {
        let found = found?;
        if &found.kind == b"uuid"
            && let Some(xml) = found.body.strip_prefix(&V1_UUID)
        {
            return Ok(read_v1(xml));
        }
    }
    Ok(Spherical::default())
}

/// Whether a `uuid` box is that of Spherical Video V1.
pub(crate) fn is_v1(found: &BoxRef<'_>) -> bool {
    found.body.starts_with(&V1_UUID)
}

fn stereo_mode(mode: u8) -> Option<StereoLayout> {
    Some(match mode {
        0 => StereoLayout::Mono,
        1 => StereoLayout::TopBottom,
        2 => StereoLayout::LeftRight,
        3 => StereoLayout::Custom,
        4 => StereoLayout::RightLeft,
        _ => return None,
    })
}

fn read_sv3d(sv3d: &BoxRef<'_>, into: &mut Spherical) -> Result<(), Error> {
    for found in Boxes::inside(sv3d, SV3D) {
        let proj = found?;
        if &proj.kind != b"proj" {
            continue;
        }
        for found in Boxes::inside(&proj, SV3D) {
            let found = found?;
            let cut_short = || short(&found, "video sample entry / sv3d / proj");
            match &found.kind {
                b"prhd" => into.pose = read_pose(found.body).ok_or_else(cut_short)?,
                b"equi" => {
                    let bounds = read_bounds(found.body).ok_or_else(cut_short)?;
                    into.projection = Some(Projection::Equirectangular { bounds });
                }
                b"cbmp" => into.projection = Some(read_cubemap(found.body).ok_or_else(cut_short)?),
                b"mshp" => into.projection = Some(read_mesh(found.body).ok_or_else(cut_short)?),
                _ => {}
            }
        }
    }
    Ok(())
}

fn read_pose(body: &[u8]) -> Option<Pose> {
    let (mut fields, ..) = Fields::full(body)?;
    let mut angle = || fields.i32().map(Angle);
    Some(Pose { yaw: angle()?, pitch: angle()?, roll: angle()? })
}

fn read_bounds(body: &[u8]) -> Option<Bounds> {
    let (mut fields, ..) = Fields::full(body)?;
    let mut side = || fields.u32();
    Some(Bounds { top: side()?, bottom: side()?, left: side()?, right: side()? })
}

fn read_cubemap(body: &[u8]) -> Option<Projection> {
    let (mut fields, ..) = Fields::full(body)?;
    Some(Projection::Cubemap { layout: fields.u32()?, padding_pixels: fields.u32()? })
}

fn read_mesh(body: &[u8]) -> Option<Projection> {
    let (mut fields, ..) = Fields::full(body)?;
    fields.u32()?; // checksum
    let deflated = match &fields.array::<4>()? {
        b"raw " => false,
        b"dfl8" => true,
        _ => return None,
    };
    Some(Projection::Mesh(MeshData { deflated, bytes: fields.rest().to_vec() }))
}

fn read_vexu(vexu: &BoxRef<'_>, into: &mut Spherical) -> Result<(), Error> {
    let mut packing = None;
    let mut eyes = None;
    for found in Boxes::inside(vexu, VEXU) {
        let group = found?;
        if !matches!(&group.kind, b"eyes" | b"proj" | b"pack") {
            continue;
        }
        for found in Boxes::inside(&group, VEXU) {
            let found = found?;
            let code = found.body.get(4..8);
            match &found.kind {
                b"stri" => eyes = found.body.get(4).copied(),
                b"prji" => into.projection = code.and_then(apple_projection),
                b"pkin" => packing = code,
                _ => {}
            }
        }
    }
    // has_left_eye_view and has_right_eye_view; eye_views_reversed
    let (both, reversed) = eyes.map_or((false, false), |eyes| (eyes & 3 == 3, eyes & 8 != 0));
    into.stereo = match packing {
        Some(b"side") if reversed => Some(StereoLayout::RightLeft),
        Some(b"side") => Some(StereoLayout::LeftRight),
        Some(b"over") => Some(StereoLayout::TopBottom),
        _ if both => Some(StereoLayout::Multiview),
        _ => eyes.map(|_| StereoLayout::Mono),
    };
    Ok(())
}

fn apple_projection(code: &[u8]) -> Option<Projection> {
    Some(match code {
        b"rect" => Projection::Rectilinear,
        b"equi" => Projection::Equirectangular { bounds: Bounds::default() },
        b"hequ" => Projection::HalfEquirectangular,
        b"fish" => Projection::Fisheye,
        _ => return None,
    })
}

/// The value of an element of V1's XML, in which nothing is nested.
fn element<'a>(xml: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    const PREFIX: &[u8] = b"<GSpherical:";
    let mut rest = xml;
    loop {
        let at = rest.windows(PREFIX.len()).position(|bytes| bytes == PREFIX)?;
        rest = &rest[at + PREFIX.len()..];
        if let Some(opened) = rest.strip_prefix(name)
            && let Some((b'>', value)) = opened.trim_ascii_start().split_first()
        {
            let end = value.iter().position(|byte| *byte == b'<')?;
            return Some(value[..end].trim_ascii());
        }
    }
}

/// A decimal number, times 2^16, rounded towards zero.
fn fixed(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let (mut value, mut divisor, mut fraction) = (0i64, 1i64, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' if value < 1 << 40 && divisor < 1_000_000 => {
                value = value * 10 + i64::from(byte - b'0');
                divisor *= if fraction { 10 } else { 1 };
            }
            // More digits than that say nothing here.
            b'0'..=b'9' if fraction => {}
            b'.' if !fraction => fraction = true,
            _ => return None,
        }
    }
    let scaled = (value << 16) / divisor;
    Some(if digits.len() < text.len() { -scaled } else { scaled })
}

fn read_v1(xml: &[u8]) -> Spherical {
    if !element(xml, b"Spherical").is_some_and(|text| text.eq_ignore_ascii_case(b"true")) {
        return Spherical::default();
    }
    let number = |name: &[u8]| element(xml, name).and_then(fixed);
    let angle = |name: &[u8]| Angle(number(name).and_then(|n| i32::try_from(n).ok()).unwrap_or(0));
    let pose = Pose {
        yaw: angle(b"PoseHeadingDegrees"),
        pitch: angle(b"PosePitchDegrees"),
        roll: angle(b"PoseRollDegrees"),
    };
    let part = |offset: &[u8], size: &[u8], full: &[u8]| {
        let (size, full) = (number(size)?, number(full).filter(|full| *full > 0)?);
        let before = number(offset).unwrap_or(0);
        let fraction = |part: i64| {
            let scaled = i128::from(part.clamp(0, full)) * i128::from(u32::MAX) / i128::from(full);
            u32::try_from(scaled).unwrap_or(u32::MAX)
        };
        Some((fraction(before), fraction(full - before - size)))
    };
    let across =
        part(b"CroppedAreaLeftPixels", b"CroppedAreaImageWidthPixels", b"FullPanoWidthPixels");
    let down =
        part(b"CroppedAreaTopPixels", b"CroppedAreaImageHeightPixels", b"FullPanoHeightPixels");
    let ((left, right), (top, bottom)) = (across.unwrap_or_default(), down.unwrap_or_default());
    let projection = match element(xml, b"ProjectionType") {
        None | Some(b"equirectangular") => {
            Some(Projection::Equirectangular { bounds: Bounds { top, bottom, left, right } })
        }
        Some(b"cubemap") => Some(Projection::Cubemap { layout: 0, padding_pixels: 0 }),
        Some(_) => None,
    };
    let stereo = element(xml, b"StereoMode").and_then(|mode| match mode {
        b"mono" => Some(StereoLayout::Mono),
        b"top-bottom" => Some(StereoLayout::TopBottom),
        b"left-right" => Some(StereoLayout::LeftRight),
        _ => None,
    });
    Spherical { projection, stereo, pose, horizontal_fov_millidegrees: None }
}

/// Writes `st3d` and `sv3d`, as far as they can say it.
pub(crate) fn write_v2(out: &mut Vec<u8>, spherical: &Spherical) {
    if let Some(mode) = spherical.stereo.and_then(v2_mode) {
        let st3d = begin_full(out, b"st3d", 0, 0);
        out.push(mode);
        end(out, st3d);
    }
    let Some(projection) = &spherical.projection else { return };
    if matches!(projection, Projection::Rectilinear | Projection::Fisheye) {
        return;
    }
    let sv3d = begin(out, b"sv3d");
    let svhd = begin_full(out, b"svhd", 0, 0);
    out.extend_from_slice(b"Immersive\0");
    end(out, svhd);
    let proj = begin(out, b"proj");
    let prhd = begin_full(out, b"prhd", 0, 0);
    let pose = &spherical.pose;
    for angle in [pose.yaw, pose.pitch, pose.roll] {
        put_u32(out, angle.0.cast_unsigned());
    }
    end(out, prhd);
    write_projection(out, projection);
    end(out, proj);
    end(out, sv3d);
}

fn v2_mode(stereo: StereoLayout) -> Option<u8> {
    Some(match stereo {
        StereoLayout::Mono => 0,
        StereoLayout::TopBottom => 1,
        StereoLayout::LeftRight => 2,
        StereoLayout::Custom => 3,
        StereoLayout::RightLeft => 4,
        StereoLayout::Multiview => return None,
    })
}

fn write_projection(out: &mut Vec<u8>, projection: &Projection) {
    match projection {
        Projection::Equirectangular { bounds } => write_equi(out, *bounds),
        // A quarter of the circle is missing on each side.
        Projection::HalfEquirectangular => {
            write_equi(out, Bounds { left: 1 << 30, right: 1 << 30, top: 0, bottom: 0 });
        }
        Projection::Cubemap { layout, padding_pixels } => {
            let cbmp = begin_full(out, b"cbmp", 0, 0);
            put_u32(out, *layout);
            put_u32(out, *padding_pixels);
            end(out, cbmp);
        }
        Projection::Mesh(mesh) => {
            let mshp = begin_full(out, b"mshp", 0, 0);
            let encoding: &[u8; 4] = if mesh.deflated { b"dfl8" } else { b"raw " };
            // The checksum is over what follows it.
            let sum = crc32(encoding.iter().chain(&mesh.bytes));
            put_u32(out, sum);
            out.extend_from_slice(encoding);
            out.extend_from_slice(&mesh.bytes);
            end(out, mshp);
        }
        Projection::Rectilinear | Projection::Fisheye => {}
    }
}

fn write_equi(out: &mut Vec<u8>, bounds: Bounds) {
    let equi = begin_full(out, b"equi", 0, 0);
    for side in [bounds.top, bounds.bottom, bounds.left, bounds.right] {
        put_u32(out, side);
    }
    end(out, equi);
}

/// The checksum of `mshp`: that of ISO 3309, as in PNG.
fn crc32<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    !bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xedb8_8320 }
        })
    })
}

/// Writes `vexu`, and `hfov` if that is known: Apple's way of saying it.
pub(crate) fn write_vexu(out: &mut Vec<u8>, spherical: &Spherical) {
    let vexu = begin(out, b"vexu");
    if let Some(stereo) = spherical.stereo.filter(|stereo| *stereo != StereoLayout::Custom) {
        let eyes = begin(out, b"eyes");
        let stri = begin_full(out, b"stri", 0, 0);
        out.push(match stereo {
            StereoLayout::Mono => 0,
            StereoLayout::RightLeft => 3 | 8,
            _ => 3,
        });
        end(out, stri);
        end(out, eyes);
        let packing: Option<&[u8; 4]> = match stereo {
            StereoLayout::TopBottom => Some(b"over"),
            StereoLayout::LeftRight | StereoLayout::RightLeft => Some(b"side"),
            _ => None,
        };
        write_code(out, b"pack", b"pkin", packing);
    }
    let projection: Option<&[u8; 4]> = match &spherical.projection {
        Some(Projection::Rectilinear) => Some(b"rect"),
        Some(Projection::Equirectangular { .. }) => Some(b"equi"),
        Some(Projection::HalfEquirectangular) => Some(b"hequ"),
        Some(Projection::Fisheye) => Some(b"fish"),
        _ => None,
    };
    write_code(out, b"proj", b"prji", projection);
    end(out, vexu);
    if let Some(fov) = spherical.horizontal_fov_millidegrees {
        let hfov = begin(out, b"hfov");
        put_u32(out, fov);
        end(out, hfov);
    }
}

fn write_code(out: &mut Vec<u8>, group: &[u8; 4], kind: &[u8; 4], code: Option<&[u8; 4]>) {
    if let Some(code) = code {
        let group = begin(out, group);
        let inner = begin_full(out, kind, 0, 0);
        out.extend_from_slice(code);
        end(out, inner);
        end(out, group);
    }
}

/// Writes the `uuid` box of Spherical Video V1, which knows equirectangular pictures only.
pub(crate) fn write_v1(out: &mut Vec<u8>, spherical: &Spherical) {
    if !matches!(spherical.projection, Some(Projection::Equirectangular { .. })) {
        return;
    }
    let uuid = begin(out, b"uuid");
    out.extend_from_slice(&V1_UUID);
    out.extend_from_slice(
        b"<?xml version=\"1.0\"?><rdf:SphericalVideo \
          xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
          xmlns:GSpherical=\"http://ns.google.com/videos/1.0/spherical/\">\
          <GSpherical:Spherical>true</GSpherical:Spherical>\
          <GSpherical:Stitched>true</GSpherical:Stitched>\
          <GSpherical:StitchingSoftware>Immersive</GSpherical:StitchingSoftware>\
          <GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType>",
    );
    let mode: Option<&[u8]> = match spherical.stereo {
        Some(StereoLayout::Mono) => Some(b"mono"),
        Some(StereoLayout::TopBottom) => Some(b"top-bottom"),
        Some(StereoLayout::LeftRight) => Some(b"left-right"),
        _ => None,
    };
    if let Some(mode) = mode {
        out.extend_from_slice(b"<GSpherical:StereoMode>");
        out.extend_from_slice(mode);
        out.extend_from_slice(b"</GSpherical:StereoMode>");
    }
    out.extend_from_slice(b"</rdf:SphericalVideo>");
    end(out, uuid);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_v1() {
        assert_eq!(fixed(b"45"), Some(45 << 16));
        assert_eq!(fixed(b"-22.5"), Some(-(45 << 15)));
        assert_eq!(fixed(b"0.3333333333333"), Some(21_845));
        assert_eq!(fixed(b"1e5"), None);
    }

    #[test]
    fn cropped_area_of_v1() {
        let xml = b"<GSpherical:Spherical>true</GSpherical:Spherical>\
            <GSpherical:StereoMode>left-right</GSpherical:StereoMode>\
            <GSpherical:CroppedAreaLeftPixels>500</GSpherical:CroppedAreaLeftPixels>\
            <GSpherical:CroppedAreaImageWidthPixels>1000</GSpherical:CroppedAreaImageWidthPixels>\
            <GSpherical:FullPanoWidthPixels>2000</GSpherical:FullPanoWidthPixels>";
        let spherical = read_v1(xml);
        assert_eq!(spherical.stereo, Some(StereoLayout::LeftRight));
        let Some(Projection::Equirectangular { bounds }) = spherical.projection else {
            panic!("{spherical:?}");
        };
        let [top, bottom, left, right] = bounds.fractions();
        assert_eq!((top, bottom), (0.0, 0.0));
        assert!((left - 0.25).abs() < 1e-6 && (right - 0.25).abs() < 1e-6, "{bounds:?}");
    }
}
