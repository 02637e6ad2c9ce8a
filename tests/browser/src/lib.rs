//! The whole system in headless Chromium, on WebGPU and on WebGL2.
