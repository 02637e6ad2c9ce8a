//! Joins the shaders of `shaders/`, checks them, and translates them to GLSL ES 3.00 for WebGL2.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use naga::ShaderStage;
use naga::back::glsl;
use naga::compact::{KeepUnused, compact};
use naga::valid::{Capabilities, ValidationFlags, Validator};

/// Not projections.
const OTHERS: [&str; 3] = ["common", "cube", "blit_external"];

/// Completes `common.wgsl` for the vertex stage, which is the same for all.
const NO_PROJECTION: &str = "fn colour_of(direction: vec3<f32>) -> vec3<f32> { return direction; }";

fn main() -> Result<(), Box<dyn Error>> {
    let shaders = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../shaders");
    println!("cargo::rerun-if-changed={}", shaders.display());
    let common = fs::read_to_string(shaders.join("common.wgsl"))?;

    let mut generated = String::new();
    let mut names = None;
    writeln!(generated, "/// One per projection, by name.\npub const SPHERE: &[Sphere] = &[")?;
    for path in projections(&shaders)? {
        let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a file without name")?;
        let wgsl = joined(&shaders, &common, &path)?;
        let (fragment, reflection) = to_glsl(&wgsl, ShaderStage::Fragment, "fragment_main")
            .map_err(|error| format!("{}: {error}", path.display()))?;
        writeln!(
            generated,
            "    Sphere {{ name: {name:?}, wgsl: {wgsl:?}, glsl_fragment: {fragment:?} }},"
        )?;
        let own_names = binding_names(reflection)?;
        if *names.get_or_insert_with(|| own_names.clone()) != own_names {
            return Err(format!("{}: other names of the bindings", path.display()).into());
        }
    }
    writeln!(generated, "];")?;

    let common = without_comments(&format!("{common}\n{NO_PROJECTION}"));
    let (vertex, _) = to_glsl(&common, ShaderStage::Vertex, "vertex_main")?;
    let [uniforms, texture] = names.ok_or("there is no projection")?;
    writeln!(generated, "/// The vertex stage of every projection, GLSL ES 3.00.")?;
    writeln!(generated, "pub const GLSL_VERTEX: &str = {vertex:?};")?;
    writeln!(generated, "/// The uniform block, laid out as [`crate::Uniforms`].")?;
    writeln!(generated, "pub const GLSL_UNIFORM_BLOCK: &str = {uniforms:?};")?;
    writeln!(generated, "/// The `sampler2D` of the video frame.")?;
    writeln!(generated, "pub const GLSL_FRAME: &str = {texture:?};")?;
    let blit = without_comments(&fs::read_to_string(shaders.join("blit_external.wgsl"))?);
    validate(&blit)?;
    writeln!(generated, "/// Copies an imported video frame; WebGPU only.")?;
    writeln!(generated, "pub const WGSL_BLIT_EXTERNAL: &str = {blit:?};")?;

    fs::write(Path::new(&env::var("OUT_DIR")?).join("shaders.rs"), generated)?;
    Ok(())
}

fn projections(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|extension| extension == "wgsl") && !OTHERS.contains(&stem)
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A projection after what it builds on: always `common.wgsl`, and what its first line names.
fn joined(shaders: &Path, common: &str, path: &Path) -> Result<String, Box<dyn Error>> {
    let own = fs::read_to_string(path)?;
    let with = own.lines().next().and_then(|line| line.strip_prefix("// with "));
    let shared = with.map_or(Ok(String::new()), |name| fs::read_to_string(shaders.join(name)))?;
    Ok(without_comments(&format!("{common}\n{shared}\n{own}")))
}

/// Viewers download the text; comments are for readers of the repository.
fn without_comments(wgsl: &str) -> String {
    let lines = wgsl.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Of the uniform block and of the texture.
fn binding_names(reflection: glsl::ReflectionInfo) -> Result<[String; 2], Box<dyn Error>> {
    let uniforms = reflection.uniforms.into_values().next().ok_or("no uniform block")?;
    let mut textures: Vec<_> = reflection.texture_mapping.into_keys().collect();
    let texture = textures.pop().ok_or("no texture")?;
    if !textures.is_empty() {
        return Err("WebGL2 gets one texture unit, and naga made more".into());
    }
    Ok([uniforms, texture])
}

fn validate(wgsl: &str) -> Result<naga::Module, Box<dyn Error>> {
    let module = naga::front::wgsl::parse_str(wgsl).map_err(|error| error.emit_to_string(wgsl))?;
    validator().validate(&module).map_err(|error| error.emit_to_string(wgsl))?;
    Ok(module)
}

fn validator() -> Validator {
    Validator::new(ValidationFlags::all(), Capabilities::TEXTURE_EXTERNAL)
}

fn to_glsl(
    wgsl: &str,
    stage: ShaderStage,
    entry_point: &str,
) -> Result<(String, glsl::ReflectionInfo), Box<dyn Error>> {
    // Without this the vertex stage would hold every function of the fragment stage.
    let mut module = validate(wgsl)?;
    module.entry_points.retain(|entry| entry.name == entry_point);
    compact(&mut module, KeepUnused::No);
    let info = validator().validate(&module)?;

    let options = glsl::Options {
        version: glsl::Version::Embedded { version: 300, is_webgl: true },
        // Clip space and texture space are already those of GL: see shaders/README.md.
        writer_flags: glsl::WriterFlags::empty(),
        ..glsl::Options::default()
    };
    let pipeline = glsl::PipelineOptions {
        shader_stage: stage,
        entry_point: entry_point.to_owned(),
        multiview: None,
    };
    let mut text = String::new();
    let policies = naga::proc::BoundsCheckPolicies::default();
    let mut writer = glsl::Writer::new(&mut text, &module, &info, &options, &pipeline, policies)?;
    let reflection = writer.write()?;
    Ok((text, reflection))
}
