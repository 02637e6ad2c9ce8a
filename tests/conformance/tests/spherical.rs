//! Projection metadata: what we read is what ffprobe reads, and what we write it reads as well.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use immersive_media::spherical::{
    Angle, Bounds, Pose, Projection, Spherical, StereoLayout, read_spherical, set_spherical,
};
use immersive_media::transmux;
use immersive_tests_conformance::ffmpeg;
use serde_json::Value;

/// What ffprobe says of the first video stream: the whole of its side data.
fn side_data(file: &str, folder: &Path) -> Result<Vec<Value>> {
    let arguments = ["-v", "quiet", "-select_streams", "v:0", "-show_streams", "-of", "json", file];
    let output = ffmpeg::run("ffprobe", &arguments, folder)?;
    let probe: Value = serde_json::from_slice(&output)?;
    let list = &probe["streams"][0]["side_data_list"];
    Ok(list.as_array().cloned().unwrap_or_default())
}

fn of_type<'a>(side_data: &'a [Value], kind: &str) -> Option<&'a Value> {
    side_data.iter().find(|data| data["side_data_type"] == kind)
}

fn stereo_name(stereo: StereoLayout) -> &'static str {
    match stereo {
        StereoLayout::Mono => "2D",
        StereoLayout::TopBottom => "top and bottom",
        StereoLayout::LeftRight | StereoLayout::RightLeft => "side by side",
        StereoLayout::Custom | StereoLayout::Multiview => "unspecified",
    }
}

/// Whether ffprobe agrees with what we read, as far as it knows the boxes.
fn agrees(ours: &Spherical, side_data: &[Value], width: f64, height: f64) -> Result<()> {
    if let Some(stereo) = of_type(side_data, "Stereo 3D") {
        let name = ours.stereo.map(stereo_name);
        ensure!(stereo["type"].as_str() == name, "{stereo}: {:?}", ours.stereo);
    }
    let Some(mapping) = of_type(side_data, "Spherical Mapping") else { return Ok(()) };
    let degrees = |name: &str| mapping[name].as_f64().unwrap_or(f64::NAN);
    for (name, angle) in
        [("yaw", ours.pose.yaw), ("pitch", ours.pose.pitch), ("roll", ours.pose.roll)]
    {
        ensure!((angle.degrees() - degrees(name)).abs() < 0.5, "{name}: {mapping} {ours:?}");
    }
    match (mapping["projection"].as_str(), &ours.projection) {
        (Some("tiled equirectangular"), Some(Projection::Equirectangular { bounds })) => {
            let [top, bottom, left, right] = bounds.fractions();
            // ffprobe gives pixels of the whole sphere's picture.
            let (whole_width, whole_height) =
                (width / (1.0 - left - right), height / (1.0 - top - bottom));
            for (name, pixels) in [
                ("bound_left", left * whole_width),
                ("bound_right", right * whole_width),
                ("bound_top", top * whole_height),
                ("bound_bottom", bottom * whole_height),
            ] {
                ensure!((degrees(name) - pixels).abs() <= 1.5, "{name} {pixels}: {mapping}");
            }
        }
        (Some("equirectangular"), Some(Projection::Equirectangular { bounds })) => {
            ensure!(*bounds == Bounds::default(), "{bounds:?}");
        }
        // ffprobe's default, where it knows no better
        (Some("equirectangular"), Some(Projection::Mesh(mesh))) => {
            ensure!(!mesh.bytes.is_empty(), "an empty mesh");
        }
        (Some("cubemap"), Some(Projection::Cubemap { layout, padding_pixels })) => {
            ensure!(*layout == 0, "{mapping}");
            ensure!(degrees("padding") == f64::from(*padding_pixels), "{mapping}");
        }
        (said, ours) => anyhow::bail!("ffprobe says {said:?}, we read {ours:?}"),
    }
    Ok(())
}

fn examples() -> Vec<Spherical> {
    let whole = Projection::Equirectangular { bounds: Bounds::default() };
    let half = Projection::Equirectangular {
        bounds: Bounds { left: 1 << 30, right: 1 << 30, top: 0, bottom: 0 },
    };
    let cube = Projection::Cubemap { layout: 0, padding_pixels: 4 };
    let turned = Pose { yaw: Angle(45 << 16), pitch: Angle(-(30 << 16)), roll: Angle(15 << 16) };
    let example = |projection: &Projection, stereo, pose| Spherical {
        projection: Some(projection.clone()),
        stereo: Some(stereo),
        pose,
        horizontal_fov_millidegrees: None,
    };
    vec![
        example(&whole, StereoLayout::Mono, Pose::default()),
        example(&whole, StereoLayout::TopBottom, turned),
        example(&half, StereoLayout::LeftRight, Pose::default()),
        example(&cube, StereoLayout::Mono, turned),
    ]
}

#[test]
fn what_is_written_is_read_by_us_and_by_ffprobe() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    ffmpeg::ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=192x96:r=25",
            "-t",
            "1",
            "-c:v",
            "libx264",
            "-pix_fmt",
            "yuv420p",
            "-movflags",
            "+empty_moov+default_base_moof+frag_keyframe",
            "plain.mp4",
        ],
        folder,
    )?;
    let plain = fs::read(folder.join("plain.mp4"))?;
    ensure!(read_spherical(&plain)?.is_none(), "a plain file says something");
    for spherical in examples() {
        let written = set_spherical(&plain, &spherical)?;
        fs::write(folder.join("written.mp4"), &written)?;
        ensure!(read_spherical(&written)?.as_ref() == Some(&spherical), "{spherical:?}");
        agrees(&spherical, &side_data("written.mp4", folder)?, 192.0, 96.0)?;
        let fragments = transmux(&written)?;
        ensure!(fragments[0].spherical.as_ref() == Some(&spherical), "{spherical:?}");
        let again = set_spherical(&written, &spherical)?;
        ensure!(again == written, "writing twice is not writing once");
    }
    Ok(())
}

#[test]
fn files_from_elsewhere_say_what_ffprobe_reads() -> Result<()> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/material");
    let named = env::var_os("IMMERSIVE_MATERIAL").map(PathBuf::from);
    let mut folders = named.into_iter().chain([beside]).map(|folder| folder.join("spherical"));
    let Some(folder) = folders.find(|folder| folder.is_dir()) else {
        eprintln!("no material: set IMMERSIVE_MATERIAL to try files from elsewhere");
        return Ok(());
    };
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.to_str().context("a path in UTF-8")?;
        let ours = read_spherical(&fs::read(&path)?).with_context(|| name.to_owned())?;
        let theirs = side_data(name, Path::new("/"))?;
        eprintln!("{name}: {ours:?}");
        // A file that says nothing is one of them; ffprobe does not find anything in it either.
        ensure!(ours.is_some() || theirs.is_empty(), "{name}: nothing found");
        agrees(&ours.unwrap_or_default(), &theirs, 1920.0, 1080.0)
            .with_context(|| name.to_owned())?;
    }
    Ok(())
}
