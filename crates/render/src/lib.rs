//! Pictures of a video frame on a sphere, with wgpu; the shaders for WebGL2 too.
