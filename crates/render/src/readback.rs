//! Pixels back from the GPU, for captured pictures and for tests.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// Why no pixels came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadBackError {
    /// The GPU went away, or has no memory for a copy of the picture.
    #[error("the GPU did not hand the picture back: the device was lost or is out of memory")]
    Mapping,
}

/// The pixels of an `Rgba8Unorm` or `Bgra8Unorm` texture with `COPY_SRC`, rows from the top without
/// padding, always in the order red, green, blue, alpha.
pub async fn read_rgba(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
) -> Result<Vec<u8>, ReadBackError> {
    let row_bytes = texture.width() * 4;
    let padded_row_bytes = row_bytes.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("read back"),
        size: u64::from(padded_row_bytes) * u64::from(texture.height()),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout: wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(padded_row_bytes),
                rows_per_image: None,
            },
        },
        texture.size(),
    );
    queue.submit([encoder.finish()]);
    mapped(device, &buffer).await?;

    let padded = buffer.slice(..).get_mapped_range().map_err(|_| ReadBackError::Mapping)?;
    let rows = padded.chunks_exact(padded_row_bytes as usize);
    let mut rgba: Vec<u8> = rows.flat_map(|row| &row[..row_bytes as usize]).copied().collect();
    if texture.format() == wgpu::TextureFormat::Bgra8Unorm {
        rgba.chunks_exact_mut(4).for_each(|pixel| pixel.swap(0, 2));
    }
    Ok(rgba)
}

#[derive(Default)]
struct Outcome {
    mapped: Option<Result<(), wgpu::BufferAsyncError>>,
    waker: Option<Waker>,
}

async fn mapped(device: &wgpu::Device, buffer: &wgpu::Buffer) -> Result<(), ReadBackError> {
    let outcome = Arc::new(Mutex::new(Outcome::default()));
    let sender = outcome.clone();
    buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| {
        // Nothing panics while holding the lock, so it is never poisoned.
        if let Ok(mut outcome) = sender.lock() {
            outcome.mapped = Some(result);
            if let Some(waker) = outcome.waker.take() {
                waker.wake();
            }
        }
    });
    // In browsers the event loop does this, and the call does nothing.
    device.poll(wgpu::PollType::wait_indefinitely()).map_err(|_| ReadBackError::Mapping)?;
    poll_fn(|context| {
        let Ok(mut outcome) = outcome.lock() else {
            return Poll::Ready(Err(ReadBackError::Mapping));
        };
        match outcome.mapped.take() {
            Some(result) => Poll::Ready(result.map_err(|_| ReadBackError::Mapping)),
            None => {
                outcome.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    })
    .await
}
