//! Looking around in a sphere: camera, projections, gestures, on plain numbers.
